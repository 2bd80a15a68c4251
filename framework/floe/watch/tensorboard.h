// SummaryWriter: curves, pictures, histograms and texts of a training, for TensorBoard to show while it runs.
// Formats: tensorflow/core/util/event.proto, core/framework/summary.proto, core/lib/io/record_writer.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

#include <floe/tape/operand.h>

namespace floe {

// Where a run begins, by name.
struct SummaryOptions {
  std::int64_t first_step = 0;      // of what is going to be written
  std::function<double()> clock{};  // seconds since 1970; the system's if not given
};

class GrowingFile;

// Writes what a training reports, as it reports it:
//
//   SummaryWriter writer("out/penguins/events", {.first_step = optimizer.steps() + 1});
//   for (...) writer.scalar("loss", loss, optimizer.steps());
//
// and then `tensorboard --logdir out/penguins`. A call writes one event and hands it to the system, so that curves are
// live and a killed run keeps them. A tag such as "generator/loss" appears with the others of "generator". Tags are not
// empty, and are UTF-8, like texts; else ValueError. FileError if the file cannot be written.
class SummaryWriter {
 public:
  // Makes the folder if needed, and a new file in it, events.out.tfevents.TIME.HOST.PID, the only one of a run that
  // holds the time. What the folder's earlier files hold of first_step and later steps is taken back: a resumed run
  // continues from its checkpoint. If `folder` is empty nothing is written, so that a loop needs no if.
  explicit SummaryWriter(const std::filesystem::path& folder, SummaryOptions options = {});
  ~SummaryWriter();

  // False without a folder: what is made only to be written here can then be left out.
  bool is_open() const { return file_ != nullptr; }

  // A point of a curve, as float32; one that is not finite is written as it is. A tensor has one element (ShapeError).
  void scalar(std::string_view tag, double value, std::int64_t step);
  void scalar(std::string_view tag, Operand value, std::int64_t step);

  // Images as pictures/png.h takes them: (height, width), (height, width, channels), or the first `max_outputs` of a batch
  // (count, height, width, channels), of 1, 3 or 4 channels. ShapeError and DTypeError refuse the rest.
  void image(std::string_view tag, Operand images, std::int64_t step, int max_outputs = 3);

  // How the elements are distributed: 30 buckets of one width from the smallest to the largest. Those that are not
  // finite do not count.
  void histogram(std::string_view tag, Operand tensor, std::int64_t step);
  void histograms(const Variables& variables, std::int64_t step);  // tags are paths: generator/conv1/filters

  // a note, which TensorBoard shows as Markdown
  void text(std::string_view tag, std::string_view markdown, std::int64_t step);

 private:
  void write(std::string_view tag, std::int64_t step, std::string_view value);  // fields of a Summary.Value
  void append(std::string_view event);

  std::unique_ptr<GrowingFile> file_;
  std::function<double()> clock_;
};

}  // namespace floe
