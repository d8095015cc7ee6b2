// SPDX-License-Identifier: MIT
// <napi.h> as this addon needs it. While an environment ends (a worker that is terminated, process.exit) nothing can be thrown to
// JavaScript any more; without the define every failed call of Node-API would then end the process.
#pragma once

#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#include <napi.h>
