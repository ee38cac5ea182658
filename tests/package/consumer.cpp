#include <lacuna/trainer.h>

#include <cstdio>

int main() {
  const auto backend = lacuna::make_cpu_backend();
  const lacuna::Dataset digits = lacuna::synthetic_digits(1000);
  lacuna::Model model(lacuna::Network::autoencoder(digits.features(), {64}));
  lacuna::initialize(model, lacuna::Init{}, 1);
  lacuna::Trainer trainer(*backend, model, digits, lacuna::TrainerOptions{});
  double first = 0, last = 0;
  for (int epoch = 0; epoch < 5; ++epoch) {
    trainer.run_within_epoch(trainer.steps_per_epoch());
    last = trainer.epoch_means().loss();
    if (epoch == 0) first = last;
    std::printf("epoch %d: loss %.3f\n", epoch + 1, last);
  }
  return last < first ? 0 : 1;
}
