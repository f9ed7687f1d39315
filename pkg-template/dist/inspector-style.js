// How the inspector looks; as a constructed sheet, which a strict Content-Security-Policy allows.

export const STYLE = `
:host {
  position: fixed;
  right: 12px;
  bottom: 12px;
  z-index: 2147483000;
  display: flex;
  flex-direction: column;
  gap: 8px;
  align-items: flex-end;
  max-width: calc(100vw - 24px);
  color-scheme: light dark;
  --paper: light-dark(#fff, #151b23);
  --ink: light-dark(#17202a, #e6edf3);
  --muted: light-dark(#56626e, #9aa7b4);
  --line: light-dark(#d5dbe1, #2f3844);
  font: 13px/1.45 system-ui, sans-serif;
  color: var(--ink);
}
* { box-sizing: border-box; margin: 0; padding: 0; }
[hidden] { display: none; }
button {
  padding: 6px 12px;
  background: var(--paper);
  color: inherit;
  border: 1px solid var(--line);
  border-radius: 8px;
  font: inherit;
  cursor: pointer;
}
button:focus-visible { outline: 3px solid #4f46e5; outline-offset: 2px; }
.pill {
  display: flex;
  gap: 8px;
  align-items: center;
  min-height: 36px;
  border-radius: 18px;
  box-shadow: 0 2px 10px rgb(0 0 0 / 18%);
  font-variant-numeric: tabular-nums;
}
i { width: 10px; height: 10px; border-radius: 50%; background: #7b8794; }
i.ok { background: #0d9488; }
i.warn { background: #d97706; }
section {
  width: 420px;
  max-width: 100%;
  max-height: min(70vh, 640px);
  overflow-y: auto;
  padding: 14px 16px;
  background: var(--paper);
  border: 1px solid var(--line);
  border-radius: 12px;
  box-shadow: 0 6px 28px rgb(0 0 0 / 22%);
}
h2 { margin: 14px 0 6px; color: var(--muted); font-size: 12px; font-weight: 600; }
h2:first-child { margin-top: 0; }
p { display: flex; gap: 8px; margin-top: 10px; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 3px 14px; }
dt { color: var(--muted); }
dd { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
ol, ul { list-style: none; }
li { display: grid; grid-template-columns: auto 1fr; gap: 0 10px; padding: 3px 0; border-top: 1px solid var(--line); }
li:first-child { border-top: 0; }
time { color: var(--muted); font-variant-numeric: tabular-nums; }
li span { grid-column: 2; color: var(--muted); overflow-wrap: anywhere; }
`;
