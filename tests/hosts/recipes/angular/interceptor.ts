import type { HttpErrorResponse, HttpInterceptorFn } from "@angular/common/http";
import { catchError, from, switchMap } from "rxjs";
import { session } from "../session.ts";

/** `provideHttpClient(withInterceptors([withToken]))` */
export const withToken: HttpInterceptorFn = (request, next) => {
  if (!request.url.startsWith("/api/")) return next(request); // Who may be sent the token.
  const send = (token: string | null) =>
    next(token ? request.clone({ setHeaders: { Authorization: `Bearer ${token}` } }) : request);
  return from(session.getAccessToken()).pipe(
    switchMap((sent) =>
      send(sent).pipe(
        catchError((error: HttpErrorResponse) => {
          if (error.status !== 401 || !sent) throw error;
          // Once, with a new token; it is there already if another request has fetched it.
          const renewed = session.accessToken === sent ? session.refresh() : Promise.resolve(session);
          return from(renewed).pipe(switchMap(({ accessToken }) => send(accessToken)));
        }),
      ),
    ),
  );
};
