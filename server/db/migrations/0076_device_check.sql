-- What the device check of somebody who waits has found missing, as told by the kiosk or the phone itself: shown to staff beside the person.
alter table ticket add column lacks text[] not null default '{}' check (lacks <@ array['camera', 'microphone', 'network']);
