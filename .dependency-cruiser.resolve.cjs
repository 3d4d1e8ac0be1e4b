/** TypeScript's ESM convention: `./x.js` in an import is the file `x.ts`. */
module.exports = { resolve: { conditionNames: ["import", "node", "default"], exportsFields: ["exports"], extensions: [".ts", ".js"], extensionAlias: { ".js": [".ts", ".js"] } } };
