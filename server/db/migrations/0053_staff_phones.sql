-- Staff may leave a phone too: an absence at nine does not wait for who reads mail at noon.
alter table contact_address drop constraint contact_address_channel_check;
alter table contact_address add constraint contact_address_channel_check check (channel in ('mail', 'phone'));
