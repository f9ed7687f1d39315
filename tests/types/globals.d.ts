// All that the package's types ask of the platform, as @types/node 20 declares it too.

interface URL {
  readonly href: string;
}
interface AbortSignal {
  readonly aborted: boolean;
}
declare var AbortSignal: { timeout(ms: number): AbortSignal };
declare var URL: { new (url: string, base?: string | URL): URL };
interface RequestInit {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}
interface Request {
  readonly url: string;
}
declare var Request: { new (input: string | URL | Request, init?: RequestInit): Request };
interface Response {
  readonly status: number;
  json(): Promise<unknown>;
}
declare var Response: { new (body?: unknown): Response };
declare function fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
declare var console: { log(...values: unknown[]): void };
