// tidemark bench: what this machine reaches, beside what it allows. Nothing stays behind.
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "agent/cli/bench_floors.h"
#include "agent/cli/bench_lab.h"
#include "agent/cli/bench_stages.h"
#include "agent/cli/client.h"
#include "agent/cli/files.h"
#include "agent/cli/output.h"
#include "agent/cli/part_file.h"
#include "agent/cli/verbs.h"
#include "agent/failure.h"
#include "agent/io/transfer.h"
#include "agent/report_json.h"

namespace tidemark {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;
constexpr int kSmallPushes = 200;
constexpr size_t kSmallBytes = 4096;

double Since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::string Rate(double bytes_per_second) { return FormatBytes(bytes_per_second) + "/s"; }

absl::StatusOr<OwnedFd> OpenInput(const std::string& path) {
  absl::StatusOr<OpenedSource> source = OpenSource(path);
  if (!source.ok()) return source.status();
  return std::move(source->fd);
}

// In memory, without a name: neither the disk's reading nor its space is part of the figure.
absl::StatusOr<OwnedFd> RandomInput(uint64_t bytes) {
  OwnedFd fd(memfd_create("tidemark-bench", MFD_CLOEXEC));
  std::vector<std::byte> piece(size_t{1} << 20);
  SystemEntropy entropy;
  for (uint64_t done = 0; done < bytes;) {
    entropy.Fill(piece);
    const size_t wanted = static_cast<size_t>(std::min<uint64_t>(piece.size(), bytes - done));
    const ssize_t put = write(fd.get(), piece.data(), wanted);
    if (put <= 0) return ErrnoStatus(-errno, "making the input");
    done += static_cast<uint64_t>(put);
  }
  return fd;
}

// The whole way through a lab, step by step.
class Bench {
 public:
  Bench(BenchLab* lab, const Interrupt& interrupt) : lab_(lab), interrupt_(interrupt) {}

  absl::Status Run(int source, Json* figures) {
    absl::Status done = Push("new data to three sites", source, "new", figures);
    if (done.ok()) done = Push("known data again", source, "known", figures);
    if (done.ok()) done = Restore(figures);
    if (done.ok()) done = Verify(figures);
    if (done.ok()) done = SmallPushes(figures);
    return done;
  }

 private:
  absl::StatusOr<std::string> Call(const CallRequest& request, int passed) {
    return CallAgent(lab_->socket(), request, passed, interrupt_, CallListener{});
  }
  void Add(Json* figures, const char* what, uint64_t bytes, double seconds, double cpu_seconds) {
    figures->push_back({{"what", what},
                        {"bytes", bytes},
                        {"seconds", seconds},
                        {"bytes_per_second", static_cast<double>(bytes) / seconds},
                        {"cpu_seconds_per_gb", cpu_seconds / (static_cast<double>(bytes) / 1e9)}});
  }

  absl::Status Push(const char* what, int source, const char* name, Json* figures) {
    PushCall call;
    call.name = name;
    call.wait_all = true;
    call.compress = false;
    const double cpu = lab_->CpuSeconds();
    const Clock::time_point begin = Clock::now();
    const absl::StatusOr<std::string> answer = Call(call, source);
    if (!answer.ok()) return answer.status();
    const double seconds = Since(begin);
    const absl::StatusOr<PushReport> report = ParsePushReport(*answer);
    if (!report.ok()) return report.status();
    bytes_ = report->source_bytes;
    Add(figures, what, bytes_, seconds, lab_->CpuSeconds() - cpu);
    return absl::OkStatus();
  }

  absl::Status Restore(Json* figures) {
    absl::StatusOr<PartFile> out = PartFile::Open(lab_->directory() + "/restored", false);
    if (!out.ok()) return out.status();
    out->PreferDirect();
    RestoreCall call;
    call.name = "new";
    const double cpu = lab_->CpuSeconds();
    const Clock::time_point begin = Clock::now();
    const absl::StatusOr<std::string> answer = Call(call, out->fd());
    if (!answer.ok()) return answer.status();
    Add(figures, "restore to a file", bytes_, Since(begin), lab_->CpuSeconds() - cpu);
    return absl::OkStatus();
  }

  absl::Status Verify(Json* figures) {
    VerifyCall call;
    call.deep = true;
    const double cpu = lab_->CpuSeconds();
    const Clock::time_point begin = Clock::now();
    const absl::StatusOr<std::string> answer = Call(call, -1);
    if (!answer.ok()) return answer.status();
    Add(figures, "verify --deep, three stores", 3 * bytes_, Since(begin), lab_->CpuSeconds() - cpu);
    return absl::OkStatus();
  }

  // One after another: what a caller waits for.
  absl::Status SmallPushes(Json* figures) {
    std::vector<double> took;
    for (int i = 0; i < kSmallPushes; ++i) {
      const absl::StatusOr<OwnedFd> input = RandomInput(kSmallBytes);
      if (!input.ok()) return input.status();
      PushCall call;
      call.name = "small";
      const Clock::time_point begin = Clock::now();
      const absl::StatusOr<std::string> answer = Call(call, input->get());
      if (!answer.ok()) return answer.status();
      took.push_back(Since(begin));
    }
    std::sort(took.begin(), took.end());
    figures->push_back({{"what", "push of 4 KiB"},
                        {"p50_seconds", took[took.size() / 2]},
                        {"p99_seconds", took[took.size() * 99 / 100]}});
    return absl::OkStatus();
  }

  BenchLab* lab_;
  const Interrupt& interrupt_;
  uint64_t bytes_ = 0;
};

Json ToJson(const Floors& floors) {
  return {{"memcpy_bytes_per_second", floors.memcpy_bytes_per_second},
          {"blake3_bytes_per_second", floors.blake3_bytes_per_second},
          {"aes_256_gcm_bytes_per_second", floors.aes_256_gcm_bytes_per_second},
          {"direct_write_bytes_per_second", floors.direct_write_bytes_per_second},
          {"write_and_flush_seconds", floors.write_and_flush_seconds}};
}

std::string FloorsText(const Floors& floors) {
  return Columns({{"floor of this machine", ""},
                  {"memcpy", Rate(floors.memcpy_bytes_per_second)},
                  {"BLAKE3", Rate(floors.blake3_bytes_per_second)},
                  {"AES-256-GCM", Rate(floors.aes_256_gcm_bytes_per_second)},
                  {"direct write", Rate(floors.direct_write_bytes_per_second)},
                  {"4 KiB write + flush", FormatSeconds(floors.write_and_flush_seconds)}});
}

int PrintStages(const Arguments& arguments, const std::string& input) {
  const absl::StatusOr<StageFigures> figures = MeasureStages(input);
  if (!figures.ok()) return Fail(arguments, figures.status());
  Json stages = Json::array();
  std::vector<std::vector<std::string>> rows = {{"stage", "alone", "in the pipeline"}};
  for (const StageFigure& stage : figures->stages) {
    stages.push_back({{"name", stage.name},
                      {"alone_bytes_per_second", stage.alone_bytes_per_second},
                      {"pipeline_seconds", stage.pipeline_seconds}});
    rows.push_back(
        {stage.name, Rate(stage.alone_bytes_per_second), FormatSeconds(stage.pipeline_seconds)});
  }
  const double share = figures->pipeline_bytes_per_second / figures->limit_bytes_per_second;
  if (arguments.json) {
    const Json whole = {{"stages", stages},
                        {"bytes", figures->bytes},
                        {"chunks", figures->chunks},
                        {"pipeline_bytes_per_second", figures->pipeline_bytes_per_second},
                        {"limit_bytes_per_second", figures->limit_bytes_per_second},
                        {"share_of_limit", share},
                        {"known_bytes_per_second", figures->known_bytes_per_second}};
    return PrintJson(whole.dump());
  }
  rows.push_back({"new data, all stages", Rate(figures->pipeline_bytes_per_second),
                  absl::StrFormat("%.0f %% of the stages' sum", 100 * share)});
  rows.push_back({"known data", Rate(figures->known_bytes_per_second), ""});
  return PrintText(Columns(rows));
}

std::string FiguresText(const Json& figures) {
  std::vector<std::vector<std::string>> rows = {{"measured", "rate", "processor time"}};
  for (const Json& figure : figures) {
    if (figure.contains("p50_seconds")) {
      rows.push_back({figure["what"], FormatSeconds(figure["p50_seconds"].get<double>()), ""});
    } else {
      rows.push_back({figure["what"], Rate(figure["bytes_per_second"].get<double>()),
                      absl::StrFormat("%.2f s/GB", figure["cpu_seconds_per_gb"].get<double>())});
    }
  }
  return Columns(rows);
}

}  // namespace

int RunBench(const Arguments& arguments) {
  const Interrupt interrupt;
  const std::string directory =
      AbsolutePath(arguments.bench_directory.empty() ? "." : arguments.bench_directory);
  absl::StatusOr<OwnedFd> input = arguments.bench_input.empty() ? RandomInput(arguments.bench_bytes)
                                                                : OpenInput(arguments.bench_input);
  if (!input.ok()) return Fail(arguments, input.status());
  if (arguments.stages) {
    return PrintStages(arguments, absl::StrFormat("/proc/self/fd/%d", input->get()));
  }
  const absl::StatusOr<Floors> floors = MeasureFloors(directory);
  if (!floors.ok()) return Fail(arguments, floors.status());
  Json figures = Json::array();
  if (!arguments.floors) {
    absl::StatusOr<std::unique_ptr<BenchLab>> lab = BenchLab::Start(directory, interrupt);
    if (!lab.ok()) return Fail(arguments, lab.status());
    Bench bench(lab->get(), interrupt);
    const absl::Status done = bench.Run(input->get(), &figures);
    if (!done.ok()) return Fail(arguments, done);
  }
  if (arguments.json) {
    return PrintJson(Json({{"floors", ToJson(*floors)}, {"figures", figures}}).dump());
  }
  return PrintText(FloorsText(*floors) + (figures.empty() ? "" : "\n" + FiguresText(figures)));
}

}  // namespace tidemark
