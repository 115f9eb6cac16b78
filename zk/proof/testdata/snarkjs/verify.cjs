// Reads cases as JSON from the standard input, [{"key": ..., "public": [...], "proof": ...}], and writes one verdict each: true, false or an error's text.
const snarkjs = require("snarkjs");

(async () => {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const verdicts = [];
  for (const c of JSON.parse(Buffer.concat(chunks))) {
    try {
      verdicts.push(await snarkjs.groth16.verify(c.key, c.public, c.proof));
    } catch (err) {
      verdicts.push(String(err));
    }
  }
  process.stdout.write(JSON.stringify(verdicts), () => process.exit(0)); // its worker threads would keep node waiting
})();
