using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>The authority's side of GROUP_RECOVER1 and GROUP_RECOVER2 (docs/manager-protocol.md §5).</summary>
public static class GroupRecovery
{
    /// <summary>Judges what GROUP_RECOVER1 was answered, and gives the group's keys to the manager that asked, to no one else.</summary>
    /// <param name="keys">What registration has left.</param>
    /// <param name="request">The request, with the authority's own nonce.</param>
    /// <param name="response">The manager's answer.</param>
    /// <param name="proxyModulus">The key that vouches, which the authority has reason to trust: by a credential, or by TPM_ActivateIdentity.</param>
    /// <param name="composite">The composite hash that the PCRs of the request are to have: a platform that the authority approves.</param>
    /// <exception cref="ManagerException">The quote is not by that key, of such PCRs, over this nonce.</exception>
    public static VtpmGroupRecover2Request Answer(
        GroupRecoveryKeys keys,
        in VtpmGroupRecover1Request request,
        in VtpmGroupRecover1Response response,
        ReadOnlySpan<byte> proxyModulus,
        TpmDigest composite)
    {
        ArgumentNullException.ThrowIfNull(keys);
        byte[] quoted = BareQuote.Recovering(request.Nonce, response.Dhkx1.Span);
        if (!BareQuote.Verify(proxyModulus, composite, quoted, response.Quote.Span) || !DiffieHellman.IsPublic(response.Dhkx1.Span))
            throw new ManagerException("the request for recovery is not vouched for: another key, other PCRs, another nonce, or changed on its way");
        using var own = new DiffieHellman();
        byte[] blob = GC.AllocateArray<byte>(GroupRecoveryKeys.Size, pinned: true);
        keys.Keys.CopyTo(blob);
        own.Mask(response.Dhkx1.Span, blob);
        return new VtpmGroupRecover2Request { Group = request.Group, Dhkx2 = own.Public, RecoverBlob = blob };
    }
}
