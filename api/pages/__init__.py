"""The console's pages, a file each; `ROUTERS` is all of them."""

from __future__ import annotations

from api.pages import (
    billing_facts,
    billing_policy,
    clinic_limits,
    corrections,
    devices,
    exports,
    homes,
    month,
    month_line,
    month_patient,
    patient,
    patients,
    plan,
    quarantine,
    rates,
    retention,
    rule_table,
    settings,
    sign_in,
    staff,
    task,
    time_ledger,
    timers,
    unassigned,
    worklist,
)

ROUTERS = (
    sign_in.router,
    worklist.router,
    task.router,
    timers.router,
    patients.router,  # /patients/new before /patients/{patient_id}
    patient.router,
    time_ledger.router,
    corrections.router,
    billing_facts.router,
    plan.router,
    exports.router,  # /month/export.csv before /month/{patient_id}
    month.router,
    month_line.router,
    month_patient.router,
    rule_table.router,
    rates.router,
    homes.router,
    devices.router,
    unassigned.router,
    quarantine.router,
    staff.router,
    settings.router,
    clinic_limits.router,
    retention.router,
    billing_policy.router,
)
