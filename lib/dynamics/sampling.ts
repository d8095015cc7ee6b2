/** Frames as an async iterator with back-pressure: the simulation runs ahead of a slow consumer by a bounded number of frames. */

export interface FrameSource<Frame> {
  /** Moves on to the next frame; undefined at the end. `stopped` becomes true when the consumer has left. */
  next(stopped: () => boolean): Promise<Frame | undefined>;
}

/**
 * Frames of `source`, at most `capacity` of them waiting. Frames made before an error or an abort are handed out before it is
 * thrown. A consumer that leaves the loop stops the source within one step.
 */
export async function* bufferedFrames<Frame>(
  source: FrameSource<Frame>,
  capacity: number,
): AsyncGenerator<Frame, void, undefined> {
  const waiting: Frame[] = [];
  let failure: { error: unknown } | undefined;
  let finished = false;
  let left = false;
  let wake: () => void = () => undefined;
  // One party waits at a time: the consumer for a frame, or the producer for room.
  const sleep = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  const produce = async () => {
    try {
      while (!left) {
        const frame = await source.next(() => left);
        if (frame === undefined) break;
        waiting.push(frame);
        wake();
        while (waiting.length >= capacity && !left) await sleep();
      }
    } catch (error) {
      failure = { error };
    }
    finished = true;
    wake();
  };
  const producing = produce();
  try {
    for (;;) {
      while (waiting.length === 0 && !finished) await sleep();
      const frame = waiting.shift();
      wake();
      if (frame !== undefined) yield frame;
      else if (failure) throw failure.error;
      else return;
    }
  } finally {
    left = true;
    wake();
    await producing;
  }
}
