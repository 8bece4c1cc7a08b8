// SPDX-License-Identifier: Apache-2.0
// Several calls of `inspector --cli` in one process, since starting Node and reading the inspector takes most of a second each.
// usage: client_inspector.mjs CLI JSON    CLI: the inspector's clients/cli/build/index.js; JSON: a list of lists of arguments
// Prints what each of them prints, as a JSON list of strings. Every call has a server of its own, as from a shell.
const { runCli, handleError } = await import(process.argv[2]);
const write = process.stdout.write;
const printed = [];

process.stdout.write = (text, encoding, done) => {
  printed[printed.length - 1] += text;
  (typeof encoding === "function" ? encoding : done)?.();
  return true;
};
try {
  for (const call of JSON.parse(process.argv[3])) {
    printed.push("");
    await runCli(["node", "inspector", ...call]);
  }
} catch (error) {
  await handleError(error); // says what it is and exits
}
process.stdout.write = write;
console.log(JSON.stringify(printed));
