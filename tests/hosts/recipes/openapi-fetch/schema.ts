// As openapi-typescript writes it.

export interface paths {
  "/api/time": {
    get: { responses: { 200: { content: { "application/json": { time: string; sub: string } } } } };
  };
}
