/** Whether the account `u` has the address that was proven last. */
export const EMAIL_IS_PROVEN = `EXISTS (SELECT FROM address_proofs p WHERE p.user_id = u.id AND p.proven_email = lower(u.email COLLATE "C"))`;
