// Checkpoint: all that training needs to continue, in one safetensors file per step; parts of it fit elsewhere too.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <floe/data/dataset.h>
#include <floe/layers/state.h>

namespace floe {

// What stays on the disk, by name.
struct CheckpointOptions {
  int keep = 3;  // files that stay in the folder: those of the last steps
  std::string unit = "step";  // what the number given to save() counts, for messages
};

// Where in a file a value is.
struct RestoreSource {
  std::string name;            // in the file; empty: nowhere, the value stays as it is
  std::vector<int> axes = {};  // our axis i is the file's axis axes[i], as in transpose(); empty: the same axes
};

// What a restore takes, by name.
struct RestoreOptions {
  bool partial = false;  // take the values that fit, and leave the others as they are
  // Where the value of that name is in the file; without it, under its own name. For weights of other programs:
  // {.name = "features.0.weight", .axes = {2, 3, 1, 0}} for filters (height, width, in, out) that were saved as
  // (out, in, height, width). An optimizer's slots are wanted if the file has some under their own names.
  std::function<RestoreSource(const std::string& name)> source = {};
};

// What became of each value, by name; "OURS as THEIRS" for one that did not fit and has another name in the file.
struct RestoreReport {
  // A value that does not fit.
  struct Reshaped {
    std::string name;              // of the value
    Shape shape, shape_in_file;    // of the value, and in the file after its axes were put in order
    DType dtype, dtype_in_file;  // of the value, and in the file
  };

  std::filesystem::path path;
  std::int64_t step = -1;  // -1: the file does not say, because another program made it
  std::string unit = "step";         // what `step` counts
  std::vector<std::string> matched;  // restored
  std::vector<std::string> missing;     // wanted, but not in the file
  std::vector<std::string> unexpected;  // in the file, but not wanted
  std::vector<Reshaped> reshaped;       // of another shape or dtype in the file
  std::vector<std::string> left_out;    // why newer files could not be read: whole messages

  // "restored step 5 from out/checkpoint-00000005.safetensors: 24 values; 0 missing", and a line for each left out.
  std::string text() const;
};

// Anything with a state(): layers, optimizers, an app's own classes.
template <class T>
concept Stateful = requires(T& part, State& state, const std::string& name) { part.state(state, name); };

// A list of parts, saved and restored together:
//
//   Checkpoint checkpoint(folder);
//   checkpoint.add("generator", generator);
//   checkpoint.add("generator_optimizer", generator_optimizer);
//   checkpoint.add("rng", rng);
//   if (args.resume) {
//     if (auto report = checkpoint.restore_latest()) fmt::print("{}\n", report->text());
//   }
class Checkpoint {
 public:
  explicit Checkpoint(std::filesystem::path folder, CheckpointOptions options = {});  // ValueError for a .keep below 1
  Checkpoint(const Checkpoint&) = delete;
  Checkpoint& operator=(const Checkpoint&) = delete;

  // Parts must outlive the checkpoint. Their values are called NAME, or NAME.PATH. ValueError if the name is taken.
  // Numbers other than std::int64_t are held as a Tensor.
  template <Stateful T>
  void add(const std::string& name, T& part) {
    add_part(name, [&part, name](State& state) { part.state(state, name); });
  }
  void add(const std::string& name, std::int64_t& number);
  void add(const std::string& name, Rng& rng);
  void add(const std::string& name, Variable& variable);
  void add(const std::string& name, Tensor& value);  // takes whatever shape and dtype the file has
  template <class E>
  void add(const std::string& name, Dataset<E>& dataset) {
    add_part(name, [&dataset, name](State& state) {
      DatasetPosition place = dataset.position_state();
      state.number(name + ".epoch", place.epoch);
      state.number(name + ".position", place.position);
      if (place != dataset.position_state()) dataset.restore(place);
    });
  }

  // Shows every part to `state`, in the order in which they were added.
  void visit(State& state) const;

  // Writes FOLDER/checkpoint-00000012.safetensors atomically, and returns its path; the folder is made if needed. Then
  // removes the files of all but the last steps, and those of later steps: a run without --resume, or one that went
  // back, has gone another way. FileError leaves all files as they were, unless only the last sync to the disk failed;
  // ValueError for a negative step, and for a tensor without a value.
  std::filesystem::path save(std::int64_t step);

  std::optional<std::int64_t> latest() const;  // the last step that the folder has a file of
  void remove_all();                           // all those files; FileError if one cannot be removed

  // The file of the last step that can be read; nothing if the folder has none. FileError if none can be read, and as
  // below.
  std::optional<RestoreReport> restore_latest();

  // Everything is read and checked before anything changes. What an optimizer keeps for a variable that had not made a
  // step when the file was saved is dropped. Only names, shapes and dtypes are compared: another --seed, --batch or
  // --data than the file was made with goes unnoticed. Unless `partial`, a value that is missing or of another shape or
  // dtype is a FileError, which lists them. ValueError if a dataset cannot be at the place in the file, or if axes of a
  // .source are not all axes of what is there. After an error all parts are what they were.
  RestoreReport restore(const std::filesystem::path& path, RestoreOptions options = {});

 private:
  struct Part {
    std::string name;
    std::function<void(State&)> state;
  };

  void add_part(const std::string& name, std::function<void(State&)> state);

  std::filesystem::path folder_;
  CheckpointOptions options_;
  std::vector<Part> parts_;
};

}  // namespace floe
