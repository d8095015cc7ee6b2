{
  # What users install. The list of sources is native/sources.json, shared with CMakeLists.txt.
  'variables': {
    'openssl_fips': '',
    'sources_of': "node -p \"const s=JSON.parse(require('fs').readFileSync('native/sources.json','utf8'));",
  },
  'target_defaults': {
    'include_dirs': ['.', "<!(node -p \"require('node-addon-api').include_dir\")"],
    'defines': ['NAPI_VERSION=8', 'NAPI_CPP_EXCEPTIONS'],
    'cflags!': ['-fno-exceptions', '-O2'],
    'cflags_cc!': ['-fno-exceptions', '-fno-rtti', '-std=gnu++17', '-std=gnu++20', '-O2'],
    # No flag that changes values: -ffp-contract=off keeps products and sums apart unless a kernel fuses them on purpose.
    'cflags_cc': ['-std=c++20', '-O3', '-fexceptions', '-frtti', '-ffp-contract=off', '-fno-math-errno', '-fvisibility=hidden', '-Wall', '-Wextra', '-Wno-psabi'],
    'xcode_settings': {
      'CLANG_CXX_LANGUAGE_STANDARD': 'c++20', 'GCC_ENABLE_CPP_EXCEPTIONS': 'YES', 'GCC_OPTIMIZATION_LEVEL': '3',
      'MACOSX_DEPLOYMENT_TARGET': '12.0', 'OTHER_CPLUSPLUSFLAGS': ['-ffp-contract=off', '-fno-math-errno'],
    },
    'msvs_settings': { 'VCCLCompilerTool': { 'ExceptionHandling': 1, 'AdditionalOptions': ['/std:c++20', '/fp:precise'] } },
    'conditions': [
      ['target_arch=="x64"', { 'defines': ['IONCLAY_HAVE_X86'] }],
      ['target_arch=="arm64"', { 'defines': ['IONCLAY_HAVE_NEON'] }],
    ],
  },
  'targets': [
    {
      'target_name': 'ionclay',
      'sources': ["<!@(<(sources_of)s.common.concat(s.kernels.baseline).join(' ')\")"],
      'dependencies': [],
      'conditions': [
        ['target_arch=="x64"', { 'dependencies': ['kernels_avx2', 'kernels_avx512'] }],
        ['target_arch=="arm64"', { 'sources': ["<!@(<(sources_of)s.kernels.neon.join(' ')\")"] }],
      ],
    },
  ],
  'conditions': [
    ['target_arch=="x64"', {
      'targets': [
        {
          'target_name': 'kernels_avx2', 'type': 'static_library',
          'sources': ["<!@(<(sources_of)s.kernels.avx2.join(' ')\")"],
          'cflags_cc': ['-mavx2', '-mfma', '-fPIC'],
          'xcode_settings': { 'OTHER_CPLUSPLUSFLAGS': ['-mavx2', '-mfma'] },
          'msvs_settings': { 'VCCLCompilerTool': { 'AdditionalOptions': ['/arch:AVX2'] } },
        },
        {
          'target_name': 'kernels_avx512', 'type': 'static_library',
          'sources': ["<!@(<(sources_of)s.kernels.avx512.join(' ')\")"],
          'cflags_cc': ['-mavx512f', '-mavx512dq', '-mavx512vl', '-mfma', '-mprefer-vector-width=512', '-fPIC', '-Wno-maybe-uninitialized', '-Wno-uninitialized'],
          'xcode_settings': { 'OTHER_CPLUSPLUSFLAGS': ['-mavx512f', '-mavx512dq', '-mavx512vl', '-mfma'] },
          'msvs_settings': { 'VCCLCompilerTool': { 'AdditionalOptions': ['/arch:AVX512'] } },
        },
      ],
    }],
  ],
}
