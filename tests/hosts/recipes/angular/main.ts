import "@angular/compiler"; // Compiles in the browser: the test needs no Angular CLI.
import { HttpClient, provideHttpClient, withInterceptors } from "@angular/common/http";
import {
  ApplicationRef,
  Component,
  enableProdMode,
  inject,
  provideZonelessChangeDetection,
  signal,
} from "@angular/core";
import { bootstrapApplication } from "@angular/platform-browser";
import { firstValueFrom } from "rxjs";
import { session } from "../session.ts";
import { withToken } from "./interceptor.ts";
import { state } from "./status.ts";

@Component({
  selector: "app-root",
  template: `
    <button id="sign-in" type="button" (click)="signIn()">Sign in</button>
    <button id="call" type="button" (click)="call()">Call</button>
    <output id="status">{{ state().status }}</output>
    <output id="answer">{{ answer() }}</output>
    <output id="refreshed">{{ refreshed() }}</output>
  `,
})
class App {
  readonly state = state;
  readonly answer = signal("");
  readonly refreshed = signal(0);
  readonly #http = inject(HttpClient);
  readonly #app = inject(ApplicationRef);

  constructor() {
    session.on("refreshed", () => this.refreshed.update((count) => count + 1));
  }

  async signIn() {
    await session.setTokens(await firstValueFrom(this.#http.post<{ access_token: string }>("/demo/sign-in", null)));
    this.answer.set("signed in");
  }

  async call() {
    this.answer.set("");
    this.#app.tick(); // Shown before the click is over: nobody reads the last answer for this one.
    const { status, body } = await firstValueFrom(
      this.#http.get<{ sub: string }>("/api/time", { observe: "response" }),
    );
    this.answer.set(`${status} ${body?.sub}`);
  }
}

enableProdMode();
bootstrapApplication(App, {
  providers: [provideZonelessChangeDetection(), provideHttpClient(withInterceptors([withToken]))],
});
