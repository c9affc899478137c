/** Integration tests: the real kernel. Those with other BGP daemons have a configuration of their own. */
export default {
  files: ['dist/test/integration/**/*.test.js', '!dist/test/integration/interop/**'],
  workerThreads: false,
  concurrency: 1,
  serial: true,
  timeout: '300s',
};
