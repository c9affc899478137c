/** Unit tests: pure or on loopback, several files at a time. */
export default {
  files: ['dist/test/**/*.test.js', '!dist/test/integration/**', '!dist/test/lab/**'],
  workerThreads: false,
  concurrency: 2,
  timeout: '120s',
};
