// Which handler answers a request.

export interface Request {
  method: string;
  path: string;
  params: Params;
}

export interface Response {
  status: number;
  body: string;
}

export type Params = Record<string, string>;
export type Handler = (request: Request) => Response;

export interface RouterOptions {
  /** What stands before every path. */
  prefix?: string;
}

interface Route {
  method: string;
  parts: string[];
  handler: Handler;
}

interface Match {
  route: Route;
  params: Params;
}

/** No route is there for a path. */
export class NotFound extends Error {
  readonly path: string;

  constructor(path: string) {
    super(`nothing at ${path}`);
    this.name = "NotFound";
    this.path = path;
  }
}

/** Routes, in the order in which they were added. */
export class Router {
  private readonly routes: Route[] = [];
  private readonly prefix: string;

  constructor(options: RouterOptions = {}) {
    this.prefix = options.prefix ?? "";
  }

  /** Have a handler answer a method and a path, in which `:name` stands for any part. */
  on(method: string, path: string, handler: Handler): Router {
    this.routes.push({ method, parts: split(this.prefix + path), handler });
    return this;
  }

  get(path: string, handler: Handler): Router {
    return this.on("GET", path, handler);
  }

  post(path: string, handler: Handler): Router {
    return this.on("POST", path, handler);
  }

  /** The answer of the first route that fits; NotFound if there is none. */
  handle(method: string, path: string): Response {
    const found = this.find(method, path);
    if (found === null) {
      throw new NotFound(path);
    }
    return found.route.handler({ method, path, params: found.params });
  }

  private find(method: string, path: string): Match | null {
    const parts = split(path);
    for (const route of this.routes) {
      if (route.method !== method) {
        continue;
      }
      const params = fit(route.parts, parts);
      if (params !== null) {
        return { route, params };
      }
    }
    return null;
  }
}

function split(path: string): string[] {
  return path.split("/").filter((part) => part !== "");
}

function fit(pattern: string[], parts: string[]): Params | null {
  if (pattern.length !== parts.length) {
    return null;
  }
  const params = {};
  for (let n = 0; n < pattern.length; n += 1) {
    if (pattern[n].startsWith(":")) {
      params[pattern[n].slice(1)] = decodeURIComponent(parts[n]);
    } else if (pattern[n] !== parts[n]) {
      return null;
    }
  }
  return params;
}
