// PostGraphile on the tables of Navette's read models: one process, sixteen connections, production settings.
// Relations that the tables do not declare are said here, as its smart tags.

const { createServer } = require("node:http");
const { postgraphile } = require("postgraphile");
const { grafserv } = require("postgraphile/grafserv/node");
const { makePgService } = require("postgraphile/adaptors/pg");
const { PostGraphileAmberPreset } = require("postgraphile/presets/amber");
const { jsonPgSmartTags } = require("postgraphile/utils");
const {
  PostGraphileConnectionFilterPreset,
} = require("postgraphile-plugin-connection-filter");

const schemas = process.env.SCHEMAS.split(",");
const [dossiers, thirdParties] = schemas;

const smartTags = jsonPgSmartTags({
  version: 1,
  config: {
    class: {
      [`${dossiers}.dossiers`]: {
        tags: {
          foreignKey: `(third_party_id) references ${thirdParties}.third_parties (id)|@fieldName thirdParty`,
        },
      },
      documents: {
        tags: {
          foreignKey: `(dossier_id) references ${dossiers}.dossiers (id)|@foreignFieldName documents`,
        },
      },
    },
  },
});

const preset = {
  extends: [PostGraphileAmberPreset, PostGraphileConnectionFilterPreset],
  plugins: [smartTags],
  pgServices: [
    makePgService({
      connectionString: process.env.DATABASE_URL,
      schemas,
      poolConfig: { max: 16 },
    }),
  ],
  grafast: { explain: false },
  grafserv: {
    port: Number(process.env.PORT),
    graphqlPath: "/graphql",
    graphiql: false,
    websockets: false,
    watch: false,
  },
};

async function main() {
  const serv = postgraphile(preset).createServ(grafserv);
  const server = createServer();
  server.on("error", (error) => {
    console.error(error);
    process.exit(1);
  });
  await serv.addTo(server);
  server.listen(Number(process.env.PORT), "127.0.0.1");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
