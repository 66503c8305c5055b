using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>The authority's side of GROUP_REGISTER: takes a group's keys into safe-keeping (docs/manager-protocol.md §5).</summary>
public sealed class GroupRegistration : IDisposable
{
    private readonly DiffieHellman _own = new();
    private readonly byte[] _signature;

    /// <param name="authority">The group's authority: RSA-2048.</param>
    public GroupRegistration(RSA authority)
    {
        ArgumentNullException.ThrowIfNull(authority);
        _signature = authority.SignData(_own.Public.Span, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);
    }

    /// <summary>What to send.</summary>
    /// <param name="group">The index of the group.</param>
    /// <param name="pcrs">The hardware PCRs that the answer is to vouch for.</param>
    public VtpmGroupRegisterRequest Request(uint group, TpmPcrSelection pcrs) =>
        new() { Group = group, Dhkx1 = _own.Public, Signature = _signature, PcrSelection = pcrs };

    /// <summary>Judges the answer and takes the keys out of it.</summary>
    /// <param name="response">The manager's answer.</param>
    /// <param name="groupUuid">The group's uuid.</param>
    /// <param name="aikModulus">The group's identity key, which the authority has reason to trust.</param>
    /// <param name="composite">The composite hash that the PCRs of the request are to have.</param>
    /// <exception cref="ManagerException">The quote is not by that key, of such PCRs, over this exchange.</exception>
    public GroupRecoveryKeys Complete(in VtpmGroupRegisterResponse response, Guid groupUuid, ReadOnlySpan<byte> aikModulus, TpmDigest composite)
    {
        byte[] quoted = BareQuote.Registered(_own.Public.Span, response.Dhkx2.Span, response.RecoverBlob.Span);
        if (!BareQuote.Verify(aikModulus, composite, quoted, response.Quote.Span) || !DiffieHellman.IsPublic(response.Dhkx2.Span))
            throw new ManagerException("the answer to the registration is not vouched for: another identity key, other PCRs, or changed on its way");
        byte[] keys = GC.AllocateArray<byte>(GroupRecoveryKeys.Size, pinned: true);
        response.RecoverBlob.Span.CopyTo(keys);
        _own.Mask(response.Dhkx2.Span, keys);
        var recoveryKeys = new GroupRecoveryKeys(groupUuid, keys);
        CryptographicOperations.ZeroMemory(keys);
        return recoveryKeys;
    }

    public void Dispose() => _own.Dispose();
}
