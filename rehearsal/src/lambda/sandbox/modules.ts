import { existsSync } from 'node:fs';
import Module, { createRequire, isBuiltin, register } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** Packages that Lambda's Node.js runtime includes. */
const RUNTIME_PACKAGE = /^@(aws-sdk|smithy)\//;

type Resolve = (request: string, parent: { filename?: string | null } | undefined, ...rest: unknown[]) => string;
export type Handler = (event: unknown, context: object, callback: (error?: unknown, result?: unknown) => void) => unknown;

/** Lets `require` load modules only from the function's asset and from the runtime, not packages installed elsewhere. */
export function confineModules(taskRoot: string, runtimeModule: string): void {
  const loader = Module as unknown as { _resolveFilename: Resolve };
  const resolve = loader._resolveFilename;
  const runtime = createRequire(runtimeModule);
  const isInTask = (file: string) => file.startsWith(taskRoot + path.sep);
  loader._resolveFilename = function (this: unknown, request, parent, ...rest) {
    if (isBuiltin(request) || !isInTask(parent?.filename ?? '')) {
      return resolve.call(this, request, parent, ...rest);
    }
    try {
      const file = resolve.call(this, request, parent, ...rest);
      if (isInTask(file)) {
        return file;
      }
    } catch (error) {
      if (!RUNTIME_PACKAGE.test(request)) {
        throw error;
      }
    }
    if (RUNTIME_PACKAGE.test(request)) {
      return runtime.resolve(request);
    }
    const message = `Cannot find module '${request}'\nRequire stack:\n- ${parent?.filename ?? taskRoot}`;
    throw Object.assign(new Error(message), { code: 'MODULE_NOT_FOUND' });
  };
}

/** Module hooks that limit `import` in the same way. Node.js runs them in a separate thread. */
const IMPORT_HOOKS = `
let taskRoot, runtimeModule;
export const initialize = (data) => { ({ taskRoot, runtimeModule } = data); };
export async function resolve(specifier, context, next) {
  if (!context.parentURL?.startsWith(taskRoot)) return next(specifier, context);
  const isRuntimePackage = ${RUNTIME_PACKAGE.toString()}.test(specifier);
  try {
    const resolved = await next(specifier, context);
    if (!resolved.url.startsWith('file:') || resolved.url.startsWith(taskRoot)) return resolved;
  } catch (error) {
    if (!isRuntimePackage) throw error;
  }
  if (isRuntimePackage) return next(specifier, { ...context, parentURL: runtimeModule });
  throw Object.assign(new Error("Cannot find package '" + specifier + "' imported from " + context.parentURL), { code: 'ERR_MODULE_NOT_FOUND' });
}`;

/** Loads the function's code. @param handler such as `index.handler` @returns the handler function */
export async function loadHandler(taskRoot: string, handler: string, runtimeModule: string): Promise<Handler> {
  const { dir, base } = path.parse(handler);
  const [moduleName = '', ...exportPath] = base.split('.');
  const stem = path.join(taskRoot, dir, moduleName);
  const file = ['.js', '.mjs', '.cjs'].map((extension) => stem + extension).find((candidate) => existsSync(candidate));
  if (!file) {
    throw errorNamed('Runtime.ImportModuleError', `Error: Cannot find module '${moduleName}'`);
  }
  const requireFile = () => (file.endsWith('.mjs') ? undefined : (createRequire(file)(file) as unknown));
  const importFile = () => {
    const data = { taskRoot: pathToFileURL(taskRoot + path.sep).href, runtimeModule: pathToFileURL(runtimeModule).href };
    register(`data:text/javascript,${encodeURIComponent(IMPORT_HOOKS)}`, { parentURL: data.runtimeModule, data });
    return import(pathToFileURL(file).href) as Promise<unknown>;
  };
  // `import` loads the ES modules that `require` cannot load
  const loadedModule = await Promise.resolve()
    .then(requireFile)
    .catch((error: unknown) => {
      if (isRecord(error) && (error.code === 'ERR_REQUIRE_ESM' || error.code === 'ERR_REQUIRE_ASYNC_MODULE')) {
        return undefined;
      }
      throw error;
    })
    .then(async (module) => module ?? (await importFile()))
    .catch((error: unknown) => {
      const isMissing = isRecord(error) && (error.code === 'MODULE_NOT_FOUND' || error.code === 'ERR_MODULE_NOT_FOUND');
      throw isMissing ? errorNamed('Runtime.ImportModuleError', `Error: ${(error as unknown as Error).message}`) : error;
    });
  const handlerFunction = exportPath.reduce<unknown>((value, name) => (isRecord(value) ? value[name] : undefined), loadedModule);
  if (typeof handlerFunction !== 'function') {
    throw errorNamed('Runtime.HandlerNotFound', `${handler} is undefined or not exported`);
  }
  return handlerFunction as Handler;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const errorNamed = (name: string, message: string) => Object.assign(new Error(message), { name });
