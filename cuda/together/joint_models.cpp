#include "together/joint_models.h"

#include <algorithm>
#include <utility>

#include "lacuna/error.h"

namespace lacuna::cuda {

namespace {

/// More would make graphs that take long to build each time that a model comes or goes.
constexpr std::int64_t kMostSteps = 16;

}  // namespace

std::size_t JointModels::Meeting::waiting() const {
  return static_cast<std::size_t>(std::ranges::count_if(seats, [](const Seat* seat) { return seat->waits_; }));
}

void JointModels::Meeting::forget_graphs() {
  ignore(cudaStreamSynchronize(trunk.get()));  // they may still run
  graphs.reset();
  steps.reset();
  failed = false;
}

/// Where there is no memory for it, or the library refuses after all what it said it could do, each goes on alone.
void JointModels::Meeting::build() {
  std::vector<const JointPlan*> plans;
  for (const Seat* seat : seats) plans.push_back(&seat->plan_);
  try {
    steps = std::make_unique<JointSteps>(plans, trunk, library);
    graphs = std::make_unique<StepGraphs>(trunk.get(), std::min(kMostSteps, steps->longest()),
                                          [&](std::int64_t count) { steps->enqueue(count); });
  } catch (const std::exception&) {
    forget_graphs();
    failed = true;
  }
}

std::unique_ptr<JointModels::Seat> JointModels::take_seat(const JointPlan& plan) {
  std::string key = plan.key();
  const std::lock_guard lock(mutex_);
  if (!meetings_.contains(key)) {
    try {
      auto meeting = std::make_unique<Meeting>(plan.products().precision());
      meetings_.emplace(key, std::move(meeting));
    } catch (const Error&) {
      return nullptr;
    }
  }
  Meeting& meeting = *meetings_.at(key);
  std::unique_ptr<Seat> seat(new Seat(*this, plan, std::move(key)));
  meeting.forget_graphs();
  meeting.seats.push_back(seat.get());
  return seat;
}

void JointModels::leave(Seat& seat) {
  const std::lock_guard lock(mutex_);
  const auto found = meetings_.find(seat.key_);
  Meeting& meeting = *found->second;
  meeting.forget_graphs();
  std::erase(meeting.seats, &seat);
  if (meeting.seats.empty()) meetings_.erase(found);
  changed_.notify_all();
}

std::int64_t JointModels::run(Seat& seat, std::int64_t steps, const std::atomic<bool>* stop) {
  std::unique_lock lock(mutex_);
  Meeting& meeting = *meetings_.at(seat.key_);
  seat.waits_ = true;
  seat.away_ = false;
  seat.wanted_ = steps;
  seat.done_ = 0;
  seat.error_ = nullptr;
  changed_.notify_all();
  const auto until = std::chrono::steady_clock::now() + patience_;
  while (seat.waits_) {  // until somebody has led, or nobody will
    bool alone = must_go_alone(meeting);
    if (!alone && meeting.complete()) {
      lead(meeting, stop);
    } else if (!alone && changed_.wait_until(lock, until) == std::cv_status::timeout && seat.waits_) {
      for (Seat* other : meeting.seats) other->away_ = !other->waits_;
      alone = true;
    }
    if (!alone) continue;
    seat.waits_ = false;
    changed_.notify_all();
  }
  if (seat.error_) std::rethrow_exception(std::exchange(seat.error_, nullptr));
  return seat.done_;
}

/// A model has one thread, so one that waits with another plan, as that of an epoch's smaller last batch, will not come
/// by itself: where fewer wait goes alone, and comes back.
bool JointModels::must_go_alone(const Meeting& meeting) const {
  if (meeting.seats.size() == 1 || meeting.failed) return true;
  return std::ranges::any_of(meeting.seats, [&](const Seat* seat) {
    if (seat->waits_) return false;
    const Meeting* other = where_it_waits(*seat);
    if (!other) return seat->away_;
    const std::size_t here = meeting.waiting(), there = other->waiting();
    return here < there || (here == there && meeting.seats.front()->key_ < other->seats.front()->key_);
  });
}

const JointModels::Meeting* JointModels::where_it_waits(const Seat& absent) const {
  for (const auto& [key, meeting] : meetings_)
    for (const Seat* seat : meeting->seats)
      if (seat->waits_ && &seat->plan_.stream() == &absent.plan_.stream()) return meeting.get();
  return nullptr;
}

void JointModels::lead(Meeting& meeting, const std::atomic<bool>* stop) {
  if (!meeting.graphs) meeting.build();
  std::int64_t steps = meeting.seats.front()->wanted_, done = 0;
  for (const Seat* seat : meeting.seats) steps = std::min(steps, seat->wanted_);
  std::exception_ptr error;
  try {
    if (!meeting.failed) done = launch(meeting, steps, stop);
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

std::int64_t JointModels::launch(const Meeting& meeting, std::int64_t steps, const std::atomic<bool>* stop) {
  const cudaStream_t trunk = meeting.trunk.get();
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
