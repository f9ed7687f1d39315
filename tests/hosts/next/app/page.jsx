import { Account } from "./account.jsx";

// Rendered at each request, not once at build time.
export const dynamic = "force-dynamic";

export default function Page() {
  return (
    <main>
      <h1>Rendered by the server</h1>
      <Account />
    </main>
  );
}
