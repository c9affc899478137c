/** For `npx ava dist/test/…`: one file by hand. The tiers have configurations of their own in scripts/. */
export default {
  files: ['dist/test/**/*.test.js'],
  workerThreads: false,
  timeout: '120s',
};
