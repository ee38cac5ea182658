#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lacuna/backend.h"
#include "step_graphs.h"
#include "together/joint_steps.h"

namespace lacuna::cuda {

/// Models of one device that are trained at the same time, each by a host thread of its own. Threads that want steps of
/// plans with the same key meet: when all whose plans have it are there, one of them launches graphs of joint steps.
/// Nobody is waited for long: who has not come within `patience`, because he evaluates, saves or is yet to begin,
/// counts as away until he comes, and while anybody is away the others go on alone, with the same results.
class JointModels final : public ModelGroup {
 public:
  explicit JointModels(std::chrono::milliseconds patience = std::chrono::milliseconds(10)) : patience_(patience) {}

  class Seat;
  /// Takes part from now on, until the seat is gone; the plan must outlive it, and this too. Null where the device has
  /// no room for what meeting needs.
  std::unique_ptr<Seat> take_seat(const JointPlan& plan);

 private:
  /// Whose plans have the same key.
  struct Meeting {
    std::vector<Seat*> seats;
    Stream trunk;
    Cublas cublas;
    CublasLt library;
    Event after;                        // the joint steps so far
    std::unique_ptr<JointSteps> steps;  // of these seats; none yet, or not any more
    std::unique_ptr<StepGraphs> graphs;
    bool failed = false;  // to build them

    explicit Meeting(Precision precision) : cublas(trunk.get(), precision), library(cublas) {}
    std::size_t waiting() const;
    bool complete() const { return waiting() == seats.size(); }
    void build();
    void forget_graphs();
  };

  std::int64_t run(Seat& seat, std::int64_t steps, const std::atomic<bool>* stop);
  void lead(Meeting& meeting, const std::atomic<bool>* stop);
  std::int64_t launch(const Meeting& meeting, std::int64_t steps, const std::atomic<bool>* stop);
  bool must_go_alone(const Meeting& meeting) const;
  const Meeting* where_it_waits(const Seat& absent) const;
  void leave(Seat& seat);

  const std::chrono::milliseconds patience_;
  std::mutex mutex_;  // of all that follows, and of what belongs to seats
  std::condition_variable changed_;
  std::map<std::string, std::unique_ptr<Meeting>> meetings_;
};

/// A plan that takes part.
class JointModels::Seat {
 public:
  ~Seat() { group_.leave(*this); }
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

  /// Runs up to `steps` steps together with all others of the meeting. 0: they are not there, go on alone.
  std::int64_t run(std::int64_t steps, const std::atomic<bool>* stop) { return group_.run(*this, steps, stop); }

 private:
  friend class JointModels;
  Seat(JointModels& group, const JointPlan& plan, std::string key) : group_(group), plan_(plan), key_(std::move(key)) {}

  JointModels& group_;
  const JointPlan& plan_;
  const std::string key_;
  Event before_;  // what was on the plan's stream before joint steps
  bool waits_ = false, away_ = false;
  std::int64_t wanted_ = 0, done_ = 0;
  std::exception_ptr error_;
};

}  // namespace lacuna::cuda
