// Which files cosmiconfig looks at for us, and how each kind of file is read.
// The explorer itself, past the package's front door, which does two things that we cannot have. It first searches the
// working directory for a configuration of cosmiconfig's own, which may be a program and may change where we look. And it
// makes each `graceful status` load the parsers and compilers of every format.
import * as cosmiconfig from 'cosmiconfig/dist/ExplorerSync.js';
import { parseJson } from './json.ts';

const EXTENSIONS = ['json', 'yaml', 'yml', 'js', 'mjs', 'cjs', 'ts'] as const;

/** The names that are searched for in each directory, the first one found wins. */
export const SEARCH_PLACES: readonly string[] = [
  'package.json',
  '.gracefulrc',
  ...EXTENSIONS.map((extension) => `.gracefulrc.${extension}`),
  ...EXTENSIONS.map((extension) => `graceful.config.${extension}`),
];

/** What a file says. `config` is a promise for what has to be imported. */
export interface Found {
  readonly filepath: string;
  readonly config: unknown;
  readonly isEmpty?: boolean;
}

/** Finds and loads. Null: no file, or a package.json without a `graceful` key. */
export interface Explorer {
  /** Looks in this directory only. */
  search(directory: string): Found | null;
  load(file: string): Found | null;
}

/** cosmiconfig's synchronous explorer: on this path there is nothing to wait for, and promises would cost start-up time. */
export function createExplorer(): Explorer {
  const { ExplorerSync } = cosmiconfig as unknown as { ExplorerSync: new (options: object) => Explorer };
  return new ExplorerSync({
    moduleName: 'graceful',
    searchPlaces: SEARCH_PLACES,
    searchStrategy: 'none',
    // An empty file is a mistake to report, not one to pass by.
    ignoreEmptySearchPlaces: false,
    cache: false,
    transform: (found: Found | null) => found,
    mergeImportArrays: true,
    metaConfigFilePath: null,
    loaders: {
      '.json': (_: string, content: string) => parseJson(content),
      '.yaml': loadYaml,
      '.yml': loadYaml,
      noExt: loadYaml,
      '.js': loadModule,
      '.mjs': loadModule,
      '.cjs': loadModule,
      '.ts': loadTypeScript,
    },
  });
}

/** Loaded for the files that need one: they bring a parser or a compiler along. */
const loaders = () => import('./loaders.ts');

const loadYaml = async (file: string, content: string) => (await loaders()).loadYaml(file, content);
const loadModule = async (file: string) => (await loaders()).loadModule(file);
const loadTypeScript = async (file: string) => (await loaders()).loadTypeScript(file);
