// The command line as CommonJS chunks: Node starts a CommonJS file 5 ms sooner than an ES module, and what a command does
// not need is in a chunk that it does not load. execa is in one too: loaded from its 100 files it costs an
// update 70 ms, from one 15. The other libraries that only state-changing commands need stay outside.
import { defineConfig, type Plugin } from 'rolldown';

// We hand our own loaders to cosmiconfig, so the parsers that it would load for its defaults are dead weight: 5 ms.
const cosmiconfigWithoutLoaders: Plugin = {
  name: 'cosmiconfig-without-loaders',
  transform(code, id) {
    if (id.endsWith('cosmiconfig/dist/ExplorerSync.js'))
      return code.replace('require("./defaults")', '({ globalConfigSearchPlacesSync: [] })');
    if (id.endsWith('cosmiconfig/dist/ExplorerBase.js')) return code.replace('require("env-paths")', '{}');
    return null;
  },
};

// rolldown gives its three helpers a file of their own, which main would load: half a millisecond.
const helpersInMain: Plugin = {
  name: 'helpers-in-main',
  generateBundle(_, bundle) {
    const [main, helpers] = [bundle['main.cjs'], bundle['chunks/rolldown-runtime.cjs']];
    if (main?.type !== 'chunk' || helpers?.type !== 'chunk')
      throw new Error('rolldown names its chunks differently now');
    const load = 'require("./chunks/rolldown-runtime.cjs")';
    // bin/graceful.cjs runs kept compiled code of it, in which V8 does not find the way back to Node's import().
    if (/[^.\w]import\(/.test(main.code)) throw new Error('main.cjs calls import(): only its chunks may');
    main.code = main.code.replace(load, () => `((exports) => {\n${helpers.code}return exports;\n})({})`);
  },
};

export default defineConfig([
  {
    input: { main: 'src/main.ts' },
    platform: 'node',
    plugins: [cosmiconfigWithoutLoaders, helpersInMain],
    external: [
      'proper-lockfile',
      'cron',
      'prom-client',
      'signal-exit',
      'jiti',
      'httpxy',
      'node-unix-socket',
      'typescript',
    ],
    transform: { target: 'node20' },
    output: {
      dir: 'dist',
      format: 'cjs',
      entryFileNames: '[name].cjs',
      chunkFileNames: 'chunks/[name].cjs',
      dynamicImportInCjs: true,
      // What every command loads is one file, whatever else shares parts of it: each file more costs half a millisecond.
      codeSplitting: { groups: [{ name: 'initial', tags: ['$initial'] }] },
      minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } },
      // What is only ASCII is a string of half the size to V8.
      charset: 'ascii',
      comments: false,
      cleanDir: true,
    },
  },
  {
    input: { redirect: 'src/redirect/preload.ts' },
    platform: 'node',
    transform: { target: 'node20' },
    output: { dir: 'dist', format: 'cjs', entryFileNames: '[name].cjs', comments: false },
  },
  {
    input: { index: 'src/index.ts' },
    platform: 'node',
    // Whoever imports us has our dependencies.
    external: (id, importer) => importer !== undefined && /^(?!@oxc-project\/)[a-z@]/.test(id),
    transform: { target: 'node20' },
    output: { dir: 'dist', format: 'esm', chunkFileNames: 'api/[name].js' },
  },
]);
