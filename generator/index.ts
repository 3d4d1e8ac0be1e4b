/** What a configuration file and a program that uses Gateloom as a library import. */
export { type Config, ConfigError, defineConfig, parseConfig, type UserConfig } from "./config.js";
