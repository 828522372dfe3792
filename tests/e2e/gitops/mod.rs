//! What GitOps tools see of the operator's objects: the fixtures that the tests of Argo CD's scripts and of kstatus
//! read, `kubectl wait`, and which fields belong to whom.

mod fixtures;
mod managers;
mod normal;
mod states;
mod subjects;
mod wait;
