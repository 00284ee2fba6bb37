// SPDX-License-Identifier: Apache-2.0
#include "jobs/step.hpp"

#include <algorithm>

namespace restante::jobs {
namespace {

bool at_work(State state) {
  return state == State::running || state == State::verifying || state == State::publishing;
}

bool to_come(State state) {
  return state == State::scheduled || state == State::waiting;
}

/// A job that may run at `run` is looked at then, or at its deadline if that comes first.
Instant look_at(const Terms& terms, Instant run, Instant now) {
  const auto by = terms.hours.by;
  return by && *by > now && *by < run ? *by : run;
}

class Deciding {
public:
  Deciding(const Control& from, const Terms& terms, Instant now) : from_(from), terms_(terms), now_(now) {
    out_.to = from;
  }

  Step operator()(const event::Due& due) {
    // What waits only for its turn is due, even if the clock was set back since.
    const bool rested = from_.waiting_for == WaitingFor::origin_pause;
    const bool in_line =
        from_.state == State::waiting &&
        (from_.waiting_for == WaitingFor::slot || (rested && from_.next_run && *from_.next_run <= now_));
    if (!to_come(from_.state) || (!in_line && from_.next_run && *from_.next_run > now_)) return out_;
    const bool missed = from_.state == State::scheduled && from_.next_run &&
                        *from_.next_run + missed_after < due.server_started;
    if (missed && terms_.hours.miss == proxy::Miss::skip) return end(State::expired, Reason::missed);
    if (missed && terms_.hours.miss == proxy::Miss::fail) return end(State::failed, Reason::missed);
    if (overdue(terms_.hours, now_) && terms_.hours.late == proxy::Late::stop) return expire();
    // It was looked at because of its deadline, and goes on all the same: that is told once.
    const bool late = overdue(terms_.hours, now_) && from_.next_run == terms_.hours.by;
    const auto run = next_run(terms_.hours, now_);
    if (!run) return expire();
    if (*run > now_) {
      wait(WaitingFor::window, look_at(terms_, *run, now_));
      return late ? note("late", Reason::deadline) : moved("window");
    }
    if (due.rest_until && *due.rest_until > now_) {
      const auto after = next_run(terms_.hours, *due.rest_until);
      if (!after) return expire();
      wait(WaitingFor::origin_pause, look_at(terms_, *after, now_));
      if (late) return note("late", Reason::deadline);
      // A server that asks for one rest after another is told once.
      return rested ? moved("") : note("origin-pause");
    }
    if (!due.turn) {
      if (terms_.hours.late == proxy::Late::stop) out_.look_again = terms_.hours.by;
      if (in_line) return out_;
      wait(WaitingFor::slot, now_);
      return late ? note("late", Reason::deadline) : moved("due");
    }
    const bool again = from_.waiting_for == WaitingFor::retry || from_.waiting_for == WaitingFor::quota;
    out_.to.state = State::running;
    out_.to.waiting_for = WaitingFor::nothing;
    out_.to.reason.reset();
    out_.to.next_run.reset();
    ++out_.to.attempt;
    return late ? note("late", Reason::deadline) : note(again ? "retry" : "due");
  }

  Step operator()(const event::FoundInterrupted&) {
    if (!at_work(from_.state)) return out_;
    wait(WaitingFor::slot, now_);
    not_counted();
    return note("restart");
  }

  Step operator()(const event::Received& received) {
    if (!at_work(from_.state)) return out_;
    out_.to.state = received.verifying ? State::verifying : State::publishing;
    return note("file " + std::to_string(received.file) + ": received");
  }

  Step operator()(const event::StartedOver& again) {
    if (from_.state != State::running) return out_;
    return note("file " + std::to_string(again.file) + ": begins again", again.why);
  }

  Step operator()(const event::FilePublished& published) {
    if (ended(from_.state) && from_.state != State::failed && from_.state != State::expired) return out_;
    if (published.all) {
      out_.to.state = State::done;
      out_.to.waiting_for = WaitingFor::nothing;
      out_.to.reason.reset();
      out_.to.message.clear();
      if (published.unverified) out_.to.reason = Reason::complete_unverified;
      out_.to.next_run.reset();
      out_.erase_secrets = true;
    } else if (at_work(from_.state)) {
      out_.to.state = State::running;
    }
    return note("file " + std::to_string(published.file) + ": published", out_.to.reason);
  }

  Step operator()(const event::RoundEnded& round) {
    if (!at_work(from_.state)) return out_;
    if (round.later) return later(*round.later, round.jitter);
    if (round.person) return end(State::held, round.person->reason, round.person->message);
    RESTANTE_REQUIRE(round.broken.has_value());
    // Nothing that came goes on to the content: it is not to count against the quota. What is not as its
    // checksum says stays in quarantine, where it can be looked at (CONTENT_SERVERS.md M70).
    out_.discard_partials = info(round.broken->reason).kind == ReasonClass::permanent &&
                            round.broken->reason != Reason::digest_mismatch;
    return end(State::failed, round.broken->reason, round.broken->message);
  }

  Step operator()(const event::Alarm& alarm) {
    if (from_.state != State::running && from_.state != State::verifying) return out_;
    const bool late = overdue(terms_.hours, now_);
    if (late && terms_.hours.late == proxy::Late::stop) {
      out_.stop_transfers = true;
      return expire();
    }
    const auto run = next_run(terms_.hours, now_);
    if (run && *run > now_) {
      wait(WaitingFor::window, look_at(terms_, *run, now_));
      not_counted();
      out_.stop_transfers = true;
      return note("window");
    }
    return late && alarm.at == terms_.hours.by ? note("late", Reason::deadline) : out_;
  }

  Step operator()(const event::Acted& acted) {
    switch (acted.action) {
      case Action::pause:
        return pause();
      case Action::resume:
        return resume();
      case Action::retry:
        return retry();
      case Action::now:
        return start_now();
      case Action::cancel:
        return cancel();
    }
    return out_;
  }

  Step operator()(const event::Refused& refused) {
    if (!to_come(from_.state) && from_.state != State::paused) return out_;
    return end(State::failed, refused.trouble.reason, refused.trouble.message);
  }

  Step operator()(const event::Refreshed&) {
    if (ended(from_.state) && from_.state != State::failed) return forbid("it has ended already");
    if (from_.state == State::verifying || from_.state == State::publishing)
      return forbid("all of it is here already");
    if (from_.state == State::failed && overdue(terms_.hours, now_) && terms_.hours.late == proxy::Late::stop)
      return forbid("its deadline has passed; send it again with a later one");
    out_.stop_transfers = from_.state == State::running;
    out_.reset_files = from_.state == State::failed || from_.state == State::held;
    if (from_.state == State::running)
      wait(WaitingFor::slot, now_);
    else if (from_.state != State::paused)
      place();
    out_.to.reason.reset();
    out_.to.message.clear();
    out_.to.attempt = 0;
    return note("user:refresh");
  }

  Step operator()(const event::Changed& changed) {
    const bool over = from_.state == State::done || from_.state == State::cancelled;
    if (over || (ended(from_.state) && !changed.replaced)) return forbid("it has ended already");
    if (changed.replaced) {
      out_.to.reason.reset();
      out_.to.message.clear();
      out_.to.attempt = 0;
      out_.discard_partials = true;
      out_.reset_files = true;
    }
    const bool stays = from_.state == State::paused || at_work(from_.state) ||
                       (from_.state == State::held && !changed.replaced);
    const bool backing_off = from_.waiting_for == WaitingFor::retry || from_.waiting_for == WaitingFor::quota;
    if (!stays && (changed.replaced || !backing_off)) place();
    return note(changed.replaced ? "replaced" : "changed");
  }

private:
  Step note(std::string cause, std::optional<Reason> why = std::nullopt) {
    out_.changed = true;
    out_.cause = std::move(cause);
    out_.why = why;
    return out_;
  }

  /// A row only where the state is another one.
  Step moved(const char* cause) {
    out_.changed = true;
    if (out_.to.state != from_.state) out_.cause = cause;
    return out_;
  }

  Step forbid(const char* why) {
    out_.to = from_;
    out_.forbidden = true;
    out_.cause = why;
    return out_;
  }

  void wait(WaitingFor what, Instant until) {
    out_.to.state = State::waiting;
    out_.to.waiting_for = what;
    out_.to.next_run = until;
  }

  /// An attempt that we broke off ourselves does not use up the limit.
  void not_counted() { out_.to.attempt = std::max(0, out_.to.attempt - 1); }

  Step end(State state, Reason reason, const std::string& message = {}) {
    out_.to.state = state;
    out_.to.waiting_for = WaitingFor::nothing;
    out_.to.reason = reason;
    out_.to.next_run.reset();
    out_.to.message = message.empty() ? std::string(info(reason).words) : message;
    return note(std::string(info(reason).code), reason);
  }

  /// For good: a deadline does not come back.
  Step expire() {
    out_.discard_partials = true;
    out_.erase_secrets = true;
    return end(State::expired, Reason::deadline);
  }

  Step later(const Trouble& trouble, double jitter) {
    // Room comes back without the content server's doing: waiting for it uses up no attempt.
    const bool room = trouble.reason == Reason::quota || trouble.reason == Reason::disk_full;
    const int most = std::min(terms_.attempts, trouble.attempts.value_or(terms_.attempts));
    if (!room && from_.attempt >= most) {
      const bool mendable = info(trouble.reason).kind == ReasonClass::needs_you;
      return end(mendable ? State::held : State::failed, trouble.reason, trouble.message);
    }
    const Millis delay =
        room ? terms_.retry.room : retry_delay(from_.attempt, jitter, trouble.retry_after, terms_.retry);
    if (room) not_counted();
    const auto run = next_run(terms_.hours, now_ + delay);
    if (!run) return expire();
    wait(trouble.reason == Reason::quota ? WaitingFor::quota : WaitingFor::retry,
         look_at(terms_, *run, now_));
    out_.to.reason = trouble.reason;
    out_.to.message = trouble.message;
    return note(std::string(info(trouble.reason).code), trouble.reason);
  }

  /// Scheduled, or waiting for its window or its turn, as if it came just now.
  void place() {
    const Control fresh = begin(terms_, now_);
    out_.to.state = fresh.state;
    out_.to.waiting_for = fresh.waiting_for;
    out_.to.next_run = fresh.next_run;
  }

  Step pause() {
    if (from_.state == State::publishing) return forbid("it is being put into your files just now");
    if (!to_come(from_.state) && !at_work(from_.state))
      return forbid("only what is to come or runs can be paused");
    out_.stop_transfers = at_work(from_.state);
    if (at_work(from_.state)) not_counted();
    out_.to.state = State::paused;
    out_.to.waiting_for = WaitingFor::nothing;
    out_.to.next_run.reset();
    return note("user:pause");
  }

  Step resume() {
    if (from_.state != State::paused && from_.state != State::held)
      return forbid("only what is paused or needs you can be resumed");
    place();
    out_.to.reason.reset();
    out_.reset_files = from_.state == State::held;
    return note("user:resume");
  }

  Step retry() {
    if (from_.state != State::failed && from_.state != State::expired)
      return forbid("only what failed or expired can be tried again");
    if (overdue(terms_.hours, now_) && terms_.hours.late == proxy::Late::stop)
      return forbid("its deadline has passed; send it again with a later one");
    place();
    out_.to.reason.reset();
    out_.to.attempt = 0;
    out_.reset_files = true;
    return note("user:retry");
  }

  Step start_now() {
    if (!to_come(from_.state) && from_.state != State::paused && from_.state != State::held)
      return forbid("only what has not begun can be started");
    wait(WaitingFor::slot, now_);
    out_.to.reason.reset();
    out_.reset_files = from_.state == State::held;
    out_.drop_hours = true;
    return note("user:now");
  }

  Step cancel() {
    if (from_.state == State::publishing) return forbid("it is being put into your files just now");
    if (ended(from_.state)) return forbid("it has ended already");
    out_.stop_transfers = at_work(from_.state);
    out_.discard_partials = true;
    out_.erase_secrets = true;
    end(State::cancelled, Reason::cancelled);
    return note("user:cancel", Reason::cancelled);
  }

  const Control& from_;
  const Terms& terms_;
  Instant now_;
  Step out_;
};

}  // namespace

Control control_of(const Job& job) {
  return Control{job.state, job.waiting_for, job.reason, job.message, job.attempt, job.next_run};
}

void apply(const Control& control, Job& job) {
  job.state = control.state;
  job.waiting_for = control.waiting_for;
  job.reason = control.reason;
  job.message = control.message;
  job.attempt = control.attempt;
  job.next_run = control.next_run;
}

Control begin(const Terms& terms, Instant now) {
  Control out;
  // Hours that never come are found out when the job is looked at, at once.
  const Instant run = next_run(terms.hours, now).value_or(now);
  const bool future_start = terms.hours.start && *terms.hours.start > now;
  out.state = future_start ? State::scheduled : State::waiting;
  if (!future_start) out.waiting_for = run > now ? WaitingFor::window : WaitingFor::slot;
  out.next_run = look_at(terms, run, now);
  return out;
}

Step step(const Control& from, const JobEvent& what, const Terms& terms, Instant now) {
  return std::visit(Deciding(from, terms, now), what);
}

}  // namespace restante::jobs
