/** Integration tests: real daemons, the real kernel, one file after the other. */
export default {
  files: ['dist/test/integration/**/*.test.js'],
  workerThreads: false,
  concurrency: 1,
  serial: true,
  timeout: '300s',
};
