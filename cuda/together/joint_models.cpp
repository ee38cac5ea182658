#include "together/joint_models.h"

#include <algorithm>
#include <utility>

#include "lacuna/error.h"

namespace lacuna::cuda {

namespace {

/// More would make graphs that take long to build each time that a model comes or goes.
constexpr std::int64_t kMostSteps = 16;

}  // namespace

bool JointModels::Meeting::complete() const {
  return std::ranges::all_of(seats, [](const Seat* seat) { return seat->waits_; });
}

void JointModels::Meeting::seats_changed() {
  ignore(cudaStreamSynchronize(trunk.get()));  // the graphs may still run
  graphs.reset();
  steps.reset();
  lacks_memory = false;
}

std::unique_ptr<JointModels::Seat> JointModels::join(const JointPlan& plan) {
  std::unique_ptr<Seat> seat(new Seat(*this, plan, plan.key()));
  const std::lock_guard lock(mutex_);
  std::unique_ptr<Meeting>& meeting = meetings_[seat->key_];
  if (!meeting) meeting = std::make_unique<Meeting>(plan.products().precision());
  meeting->seats_changed();
  meeting->seats.push_back(seat.get());
  return seat;
}

void JointModels::leave(Seat& seat) {
  const std::lock_guard lock(mutex_);
  const auto found = meetings_.find(seat.key_);
  Meeting& meeting = *found->second;
  meeting.seats_changed();
  std::erase(meeting.seats, &seat);
  if (meeting.seats.empty()) meetings_.erase(found);
  changed_.notify_all();
}

std::int64_t JointModels::run(Seat& seat, std::int64_t steps, const std::atomic<bool>* stop) {
  std::unique_lock lock(mutex_);
  Meeting& meeting = *meetings_.at(seat.key_);
  seat.waits_ = true;
  seat.wanted_ = steps;
  seat.done_ = 0;
  seat.error_ = nullptr;
  changed_.notify_all();
  const auto until = std::chrono::steady_clock::now() + patience_;
  while (seat.waits_) {  // until somebody has led, or nobody will
    bool alone = meeting.seats.size() == 1 || meeting.lacks_memory || somebody_cannot_come(meeting);
    if (!alone && meeting.complete())
      lead(meeting, stop);
    else if (!alone)
      alone = changed_.wait_until(lock, until) == std::cv_status::timeout && seat.waits_;
    if (!alone) continue;
    seat.waits_ = false;
    changed_.notify_all();
  }
  if (seat.error_) std::rethrow_exception(std::exchange(seat.error_, nullptr));
  return seat.done_;
}

/// A model has one thread, so one that waits with another plan will not come.
bool JointModels::somebody_cannot_come(const Meeting& meeting) const {
  return std::ranges::any_of(meeting.seats, [&](const Seat* absent) {
    return !absent->waits_ && std::ranges::any_of(meetings_, [&](const auto& other) {
      return std::ranges::any_of(other.second->seats, [&](const Seat* seat) {
        return seat->waits_ && &seat->plan_.stream() == &absent->plan_.stream();
      });
    });
  });
}

void JointModels::lead(Meeting& meeting, const std::atomic<bool>* stop) {
  std::int64_t steps = meeting.seats.front()->wanted_, done = 0;
  for (const Seat* seat : meeting.seats) steps = std::min(steps, seat->wanted_);
  std::exception_ptr error;
  try {
    done = launch(meeting, steps, stop);
  } catch (const MemoryError&) {  // there is none for more graphs: each goes on alone
    meeting.seats_changed();
    meeting.lacks_memory = true;
  } catch (...) {
    error = std::current_exception();
  }
  for (Seat* seat : meeting.seats) {
    seat->waits_ = false;
    seat->done_ = done;
    seat->error_ = error;
  }
  changed_.notify_all();
}

std::int64_t JointModels::launch(Meeting& meeting, std::int64_t steps, const std::atomic<bool>* stop) {
  const cudaStream_t trunk = meeting.trunk.get();
  if (!meeting.graphs) {
    std::vector<const JointPlan*> plans;
    for (const Seat* seat : meeting.seats) plans.push_back(&seat->plan_);
    meeting.steps = std::make_unique<JointSteps>(plans, meeting.trunk, meeting.library);
    meeting.graphs = std::make_unique<StepGraphs>(trunk, std::min(kMostSteps, meeting.steps->longest()),
                                                  [&](std::int64_t count) { meeting.steps->enqueue(count); });
  }
  for (const Seat* seat : meeting.seats) {
    seat->before_.record(seat->plan_.stream().get());
    seat->before_.hold_back(trunk);
  }
  std::int64_t done = 0;
  while (done < steps && !(stop && stop->load(std::memory_order_relaxed)))
    done += meeting.graphs->launch(steps - done, trunk);
  meeting.after.record(trunk);
  for (const Seat* seat : meeting.seats) meeting.after.hold_back(seat->plan_.stream().get());
  return done;
}

}  // namespace lacuna::cuda
