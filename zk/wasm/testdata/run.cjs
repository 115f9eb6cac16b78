// node run.cjs WASM_EXEC VERIFIER: reads {"rounds": n, "cases": [[circuit, key, keyID, statement, proof], ...]} as JSON from the standard input, bytes in hexadecimal,
// and writes {"verdicts": [...], "ms": ...}: one text a case, and how long the first case took on average over the rounds.
const fs = require("fs");
require(process.argv[2]);

const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));

(async () => {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const input = JSON.parse(Buffer.concat(chunks));
  const go = new Go();
  const { instance } = await WebAssembly.instantiate(fs.readFileSync(process.argv[3]), go.importObject);
  go.run(instance);
  const call = ([circuit, key, keyID, statement, proof]) => ententeVerify(circuit, bytes(key), keyID, statement, bytes(proof));
  const verdicts = input.cases.map(call);
  verdicts.push(ententeVerify(), ententeVerify(1, 2, 3, 4, 5), ententeVerify("bill-16", bytes(""), "", "{}", bytes("")));
  const start = performance.now();
  for (let i = 0; i < input.rounds; i++) call(input.cases[0]);
  const ms = (performance.now() - start) / input.rounds;
  process.stdout.write(JSON.stringify({ verdicts, ms }), () => process.exit(0)); // the program stays ready for ever
})();
