// The page of a session that lives in a worker: what the buttons say goes there, what comes back is shown.

export function drive(worker, answers) {
  const at = (name) => document.querySelector(`#${name}`);
  for (const name of ["sign-in", "call"]) {
    at(name).disabled = false;
    at(name).onclick = () => {
      at("answer").textContent = "";
      worker.postMessage(name);
    };
  }
  answers.onmessage = ({ data }) => {
    for (const [name, text] of Object.entries(data)) at(name).textContent = text;
  };
}
