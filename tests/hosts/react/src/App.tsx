import { Link, Route, Routes } from "react-router";
import { useAuthSession } from "tokenwell/react";
import { Guarded } from "./Guarded.tsx";
import { Orders } from "./Orders.tsx";
import { SignIn } from "./SignIn.tsx";
import { session } from "./session.ts";

export function App() {
  return (
    <>
      <nav>
        <Link to="/">Home</Link> <Link to="/orders">Orders</Link> <Account />
      </nav>
      <Routes>
        <Route path="/" element={<h1>Welcome</h1>} />
        <Route path="/sign-in" element={<SignIn />} />
        <Route element={<Guarded />}>
          <Route path="/orders" element={<Orders />} />
        </Route>
      </Routes>
    </>
  );
}

function Account() {
  // An object of its own at each call, and yet it renders again only when one of the two is another.
  const { status, name } = useAuthSession(session, ({ status, claims }) => ({ status, name: String(claims?.name) }));
  if (status !== "signed-in") return <span id="account">Nobody is signed in</span>;
  return (
    <span id="account">
      {name}{" "}
      <button type="button" onClick={() => session.signOut()}>
        Sign out
      </button>
    </span>
  );
}
