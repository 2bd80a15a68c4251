// Filmstrip: how what a run draws changes from epoch to epoch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <floe/pictures/png.h>
#include <floe/run/run.h>

namespace floe {

// How the pictures are laid out, by name.
struct FilmstripOptions {
  int columns = 0;         // drawings in a row; 0 makes each picture as square as it can be
  int scale = 3;           // the side of the square that a pixel becomes; in the panel one less
  int milliseconds = 500;  // of an epoch in the animation
};

// One picture an epoch, kept in the run's checkpoint, so that a resumed run has those from before. In the run's folder:
//   NAME-003.png   the drawings of epoch 3; those of later epochs go, as a run that is there again goes another way
//   panel.png      those of up to eight epochs side by side, the first and the last among them
//   animation.png  those of all epochs in turn
class Filmstrip {
 public:
  // Kept in the run under "pictures"; options out of range are a ValueError of add().
  Filmstrip(Run& run, std::string name, FilmstripOptions options = {});
  Filmstrip(const Filmstrip&) = delete;
  Filmstrip& operator=(const Filmstrip&) = delete;

  // The drawings of the running epoch, (count, height, width, channels) as make_grid() takes them, with its errors;
  // always as many and of the same size (ShapeError). Also an image, "drawn", for --tensorboard. FileError if one cannot be
  // written.
  void add(const Tensor& drawings);

  void state(State& state, const std::string& name);  // for the checkpoint

 private:
  std::filesystem::path picture_of(std::int64_t epoch) const;
  Tensor frame(std::int64_t epoch, int scale) const;

  Run& run_;
  std::string name_;
  FilmstripOptions options_;
  Tensor pictures_;  // uint8 (epochs, height, width, channels)
};

}  // namespace floe
