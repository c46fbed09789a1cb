# Two stages: build with everything, run with what is needed, as nobody in particular.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=optional --ignore-scripts
COPY . .
RUN npm run build && npm prune --omit=dev --omit=optional --ignore-scripts

FROM node:24-bookworm-slim
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist/src ./dist/src
COPY --from=build /app/src/storage/migrations ./src/storage/migrations
COPY --from=build /app/profiles ./profiles
COPY --from=build /app/mappings ./mappings
RUN install -d -o 10001 -g 10001 -m 0755 /var/lib/my-care-record
USER 10001:10001
VOLUME /var/lib/my-care-record
EXPOSE 8080
# The configuration is mounted; there is no default one in the image.
ENV MCR_CONFIG=/etc/my-care-record/config.json MCR_DATA=/var/lib/my-care-record
# a young generation that holds what a load has in hand costs memory and saves a sixth of its time
CMD ["node", "--max-semi-space-size=64", "dist/src/main.js"]
