// Chains of eight trivial steps as Restate does them: `restate.mjs PORT LEDGER`. Each step that runs adds a byte to
// the ledger, when there is one.
import * as restate from "@restatedev/restate-sdk";
import { appendFileSync } from "node:fs";
import { createServer } from "node:http2";

const [port, ledger] = process.argv.slice(2);
const steps = ["one", "two", "three", "four", "five", "six", "seven", "eight"];

const chain = restate.service({
  name: "chain",
  handlers: {
    run: async (ctx, number) => {
      let sum = number;
      for (const name of steps) {
        sum += await ctx.run(name, () => {
          if (ledger !== "-") appendFileSync(ledger, ".");
          return 1;
        });
      }
      return sum;
    },
  },
});

createServer(restate.createEndpointHandler({ services: [chain] })).listen(Number(port), "127.0.0.1");
