#include "agent/cli/arguments.h"

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "agent/cli/output.h"
#include "agent/failure.h"
#include "agent/report_json.h"

namespace tidemark {
namespace {

constexpr char kDefaultSocket[] = "/run/tidemark/agent.sock";
constexpr char kDefaultConfig[] = "/etc/tidemark/agent.toml";

std::string Environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

// What CLI11 keeps as text until its own meaning is looked at.
struct RawText {
  std::string timeout, before, wait, length, offset, since, until;
  bool no_compression = false;
  bool no_resume = false;
};

absl::Status ReadTimeout(const std::string& text, absl::Duration* timeout) {
  if (text.empty()) return absl::OkStatus();
  uint64_t seconds = 0;
  if (absl::SimpleAtoi(text, &seconds)) {
    *timeout = absl::Seconds(seconds);
  } else if (!absl::ParseDuration(text, timeout)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("--timeout '%s' is no duration: write 90s, 10m or 2h", text));
  }
  if (*timeout <= absl::ZeroDuration())
    return absl::InvalidArgumentError("--timeout must be more than nothing");
  return absl::OkStatus();
}

// A time, or how long ago.
absl::Status ReadInstant(const std::string& text, std::optional<absl::Time>* instant) {
  if (text.empty()) return absl::OkStatus();
  absl::Duration ago;
  if (absl::ParseDuration(text, &ago) && ago >= absl::ZeroDuration()) {
    *instant = absl::Now() - ago;
    return absl::OkStatus();
  }
  const absl::StatusOr<absl::Time> time = ParseRfc3339(text);
  if (!time.ok()) return time.status();
  *instant = *time;
  return absl::OkStatus();
}

absl::Status ReadCount(const std::string& flag, const std::string& text, uint64_t* count) {
  if (absl::SimpleAtoi(text, count)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat("%s '%s' is no number of bytes", flag, text));
}

absl::Status Interpret(const RawText& raw, Arguments* arguments) {
  const absl::Status timeout = ReadTimeout(raw.timeout, &arguments->timeout);
  if (!timeout.ok()) return timeout;
  if (!raw.before.empty()) {
    const absl::StatusOr<absl::Time> before = ParseRfc3339(raw.before);
    if (!before.ok()) return before.status();
    arguments->before = *before;
  }
  const absl::Status since = ReadInstant(raw.since, &arguments->since);
  if (!since.ok()) return since;
  const absl::Status until = ReadInstant(raw.until, &arguments->until);
  if (!until.ok()) return until;
  if (!raw.wait.empty() && raw.wait != "all")
    return absl::InvalidArgumentError("--wait takes 'all' only: the witness too");
  arguments->wait_all = raw.wait == "all";
  arguments->compress = !raw.no_compression;
  arguments->resume = !raw.no_resume;
  if (!raw.offset.empty()) {
    const absl::Status offset = ReadCount("--offset", raw.offset, &arguments->offset);
    if (!offset.ok()) return offset;
  }
  if (!raw.length.empty()) {
    arguments->length = 0;
    const absl::Status length = ReadCount("--length", raw.length, &*arguments->length);
    if (!length.ok()) return length;
  }
  if (!arguments->store.empty() && arguments->kit.empty())
    return absl::InvalidArgumentError("--store needs --kit: the keys come from the kit");
  if (!arguments->kit.empty() && !arguments->config.empty())
    return absl::InvalidArgumentError("give --kit or --config, not both");
  return absl::OkStatus();
}

void AddBareOptions(CLI::App* verb, Arguments* arguments) {
  verb->add_option("--config", arguments->config, "work without the agent, by its configuration");
  verb->add_option("--kit", arguments->kit, "work without agent and configuration, by the kit");
  verb->add_option("--store", arguments->store, "with --kit: read this store's directory");
  verb->add_flag("--allow-older", arguments->allow_older,
                 "accept a site that is older than the kit's checkpoint");
}

void AddPush(CLI::App* app, Arguments* arguments, RawText* raw) {
  CLI::App* verb =
      app->add_subcommand("push", "replicate a file or a stream; 0 only when committed");
  verb->add_option("PATH", arguments->path, "a file, or - for standard input")->required();
  verb->add_option("--name", arguments->name, "archive name (default: the file's name)");
  verb->add_option("--timeout", raw->timeout, "how long to wait without progress (default 10m)");
  verb->add_option("--wait", raw->wait, "all: wait for the witness too");
  verb->add_option("--idempotency-key", arguments->idempotency_key,
                   "repeating a push with the same key finds its version");
  verb->add_flag("--no-compression", raw->no_compression, "store chunks as they are");
  verb->add_flag("--no-resume", raw->no_resume,
                 "read the file from its start, also if an earlier push of it was cut off");
}

void AddRestore(CLI::App* app, Arguments* arguments, RawText* raw) {
  CLI::App* verb = app->add_subcommand("restore", "give an archive back, verified");
  verb->add_option("NAME", arguments->name, "archive, or archive@version")->required();
  verb->add_option("-o,--output", arguments->path, "a new file, or - for standard output")
      ->required();
  verb->add_option("--offset", raw->offset, "first byte");
  verb->add_option("--length", raw->length, "how many bytes");
  verb->add_option("--from", arguments->from, "read this site only");
  verb->add_option("--before", raw->before, "newest version captured at or before this time");
  verb->add_flag("--overwrite", arguments->overwrite, "replace an existing file");
  AddBareOptions(verb, arguments);
}

void AddQueries(CLI::App* app, Arguments* arguments) {
  CLI::App* list = app->add_subcommand("list", "archives and their versions");
  list->add_option("NAME", arguments->name, "only this archive");
  AddBareOptions(list, arguments);
  CLI::App* status = app->add_subcommand("status", "health, lag, RPO, IOPS on one screen");
  status->add_flag("--watch", arguments->watch, "again every second");
  status->add_flag("--check", arguments->check,
                   "one line; exits 0 ok, 1 warning, 2 error, 3 unknown");
  CLI::App* report =
      app->add_subcommand("report", "availability, lag, incidents of a day or month");
  report->add_option("PERIOD", arguments->period,
                     "daily (default: today), monthly, 2026-11-21 or 2026-11; UTC");
  report->add_option("--config", arguments->config, "the agent's configuration");
  report->add_flag("--html", arguments->html, "a page to print");
  CLI::App* verify = app->add_subcommand("verify", "check what is stored");
  verify->add_flag("--deep", arguments->deep,
                   "every site re-reads everything and heals what is bad");
  AddBareOptions(verify, arguments);
}

void AddProof(CLI::App* app, Arguments* arguments, RawText* raw) {
  CLI::App* rpo = app->add_subcommand("rpo", "the ledger of RPO, from signed receipts");
  rpo->add_option("--since", raw->since, "RFC 3339, or how long ago (default: 24h)");
  rpo->add_option("--until", raw->until, "RFC 3339, or how long ago (default: now)");
  CLI::App* made = rpo->add_subcommand("export", "write the receipts for somebody to check");
  made->add_option("DIR", arguments->path, "a directory that is not there yet")->required();
  CLI::App* verify = app->add_subcommand("rpo-verify", "check an export, with public keys only");
  verify->add_option("DIR", arguments->path, "what `rpo export` wrote")->required();
  verify->add_option("--keys", arguments->keys, "file of keys that must have signed it");
  verify->add_flag("--full", arguments->full, "check every signature");
}

void AddSetup(CLI::App* app, Arguments* arguments) {
  CLI::App* setup = app->add_subcommand("setup", "make identities, keys and configuration");
  setup->require_subcommand(1);
  CLI::App* authority = setup->add_subcommand("ca", "the private certificate authority");
  authority->add_option("DIR", arguments->authority_directory, "where to make it")->required();
  CLI::App* site = setup->add_subcommand("site", "one site's certificate and site.toml");
  CLI::App* agent = setup->add_subcommand("agent", "the agent's keys, kit and agent.toml");
  for (CLI::App* verb : {site, agent}) {
    verb->add_option("--ca", arguments->authority_directory, "the authority's directory")
        ->required();
    verb->add_option("--out", arguments->out_directory, "where to write")->required();
  }
  site->add_option("--name", arguments->name, "the site's name")->required();
  site->add_option("--role", arguments->role, "primary or witness")->required();
  site->add_option("--listen", arguments->listen, "HOST:PORT of control")->required();
  site->add_option("--data-listen", arguments->data_listen, "HOST:PORT of data")->required();
  site->add_option("--store", arguments->setup_store, "the store's directory")->required();
  agent->add_option("--name", arguments->name, "the agent's name")->required();
  agent->add_option("--site", arguments->sites, "NAME=primary|witness=HOST:PORT, three times")
      ->required();
  agent->add_option("--state", arguments->state_directory, "index and positions")->required();
  agent->add_option("--socket", arguments->setup_socket, "unix socket for commands")->required();
  agent->add_option("--status-listen", arguments->status_listen,
                    "host:port of the status page (default 127.0.0.1:9740; \"\": none)");
  agent->add_option("--socket-mode", arguments->socket_mode, "who may use it (default 0660)");
  agent->add_option("--passphrase-file", arguments->passphrase_file, "seals the key file");
  agent->add_flag("--allow-same-host", arguments->allow_same_host, "sites may share a machine");
}

void AddBench(CLI::App* app, Arguments* arguments) {
  CLI::App* bench =
      app->add_subcommand("bench", "how fast this machine replicates, in a lab that it removes");
  bench->add_option("--directory", arguments->bench_directory,
                    "where to work: the disk that counts (default: the present directory)");
  bench->add_option("--bytes", arguments->bench_bytes, "of incompressible input");
  bench->add_option("--input", arguments->bench_input, "push this file instead");
  bench->add_flag("--stages", arguments->stages,
                  "one core, stage by stage, from the page cache to finished packs");
  bench->add_flag("--floors", arguments->floors, "only what no program here can beat");
}

void AddOperations(CLI::App* app, Arguments* arguments) {
  for (const char* daemon : {"site", "agent"}) {
    CLI::App* verb = app->add_subcommand(daemon, absl::StrFormat("the %s's daemon", daemon));
    verb->require_subcommand(1);
    CLI::App* run = verb->add_subcommand("run", "serve until SIGTERM");
    run->add_option("--config", arguments->config, "its configuration")->required();
    if (std::string(daemon) != "site") continue;
    CLI::App* replace =
        verb->add_subcommand("replace", "its store is lost: fill the new, empty one");
    replace->add_option("NAME", arguments->name, "the site")->required();
  }
  CLI::App* config = app->add_subcommand("config", "look at a configuration");
  config->require_subcommand(1);
  for (const auto& [name, text] : {std::pair("check", "say whether a file is right"),
                                   std::pair("show", "print it with every default")}) {
    CLI::App* verb = config->add_subcommand(name, text);
    verb->add_option("FILE,--config", arguments->config, "agent.toml or site.toml");
  }
  CLI::App* keys = app->add_subcommand("keys", "the key-encryption key and its recovery kit");
  keys->require_subcommand(1);
  CLI::App* kit =
      keys->add_subcommand("kit", "write a recovery kit, or acknowledge that one is safe");
  kit->add_option("-o,--output", arguments->path, "file to write; a page to print goes beside it");
  kit->add_flag("--ack", arguments->acknowledge, "a copy of the kit is in a safe place");
  kit->add_option("--config", arguments->config, "the agent's configuration");
  CLI::App* status =
      keys->add_subcommand("status", "which key, and whether its kit is acknowledged");
  status->add_option("--config", arguments->config, "the agent's configuration");
  AddBench(app, arguments);
  CLI::App* doctor = app->add_subcommand("doctor", "what this machine offers, and what is wrong");
  doctor->add_option("--config", arguments->config, "the agent's configuration");
  app->add_subcommand("version", "version of program, formats and protocol");
}

std::string VerbOf(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  if (chosen.empty()) return "";
  const std::string rest = VerbOf(*chosen.front());
  return chosen.front()->get_name() + (rest.empty() ? "" : " " + rest);
}

}  // namespace

std::optional<int> ParseArguments(int argc, const char* const* argv, Arguments* arguments) {
  CLI::App app("Tidemark replicates archives to two primaries and a witness, and proves it.",
               "tidemark");
  RawText raw;
  std::string socket;
  app.require_subcommand(1);
  app.fallthrough();
  app.add_flag("--json", arguments->json, "print one JSON document");
  app.add_option("--vault", arguments->vault, "vault (default: default)");
  app.add_option("--socket", socket, "the agent's socket (default: TIDEMARK_SOCKET)");
  AddPush(&app, arguments, &raw);
  AddRestore(&app, arguments, &raw);
  AddQueries(&app, arguments);
  AddProof(&app, arguments, &raw);
  AddSetup(&app, arguments);
  AddOperations(&app, arguments);
  absl::Status failure;
  try {
    app.parse(argc, argv);
    failure = Interpret(raw, arguments);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    failure = absl::InvalidArgumentError(error.what());
  }
  arguments->verb = VerbOf(app);
  arguments->vault_given = app.count("--vault") > 0;
  const std::string help = arguments->verb.empty() ? "" : arguments->verb + " ";
  if (!failure.ok()) {
    failure = WithHint(failure, absl::StrFormat("see `tidemark %s--help`", help));
    return Fail(*arguments, failure);
  }
  arguments->socket = socket.empty() ? Environment("TIDEMARK_SOCKET", kDefaultSocket) : socket;
  arguments->config_or_default = arguments->config.empty()
                                     ? Environment("TIDEMARK_CONFIG", kDefaultConfig)
                                     : arguments->config;
  return std::nullopt;
}

}  // namespace tidemark
