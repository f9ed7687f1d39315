import { useLocation, useNavigate } from "react-router";
import { session } from "./session.ts";

export function SignIn() {
  const navigate = useNavigate();
  const { state } = useLocation();
  async function signIn() {
    const login = await fetch("/demo/sign-in", { method: "POST" }); // Your login.
    await session.setTokens(await login.json());
    navigate(state?.to ?? "/", { replace: true });
  }
  return (
    <button type="button" id="sign-in" onClick={signIn}>
      Sign in
    </button>
  );
}
