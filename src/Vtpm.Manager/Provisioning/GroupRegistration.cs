using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>The authority's side of GROUP_REGISTER: takes a group's keys into safe-keeping (docs/manager-protocol.md §5).</summary>
public sealed class GroupRegistration : IDisposable
{
    private const string AnswerForm = "the answer of 'vtpm manage group-register'";

    private readonly DiffieHellman _own;
    private readonly byte[] _signature;

    /// <param name="authority">The group's authority: RSA-2048.</param>
    public GroupRegistration(RSA authority)
    {
        ArgumentNullException.ThrowIfNull(authority);
        _own = new DiffieHellman();
        _signature = authority.SignData(_own.Public.Span, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);
    }

    /// <summary>One that has been begun, and waits for its answer.</summary>
    private GroupRegistration(DiffieHellman own) => (_own, _signature) = (own, []);

    /// <summary>Goes on with what <see cref="ToSecretFile"/> has kept.</summary>
    /// <exception cref="ApprovalException">It is another file.</exception>
    public static GroupRegistration FromSecretFile(ReadOnlySpan<byte> file)
    {
        var kept = RecoveryFiles.Read<RegistrationSecretFile>(file, "the secret file of 'vtpm approve register-start'");
        var own = new DiffieHellman(kept.Exponent.Span);
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsMemory(kept.Exponent).Span);
        return new GroupRegistration(own);
    }

    /// <summary>What to send, as a file for the manager's side.</summary>
    public byte[] ToRequestFile() => WireFormat.ToBytes(new RegistrationRequestFile { Dhkx1 = _own.Public, Signature = _signature });

    /// <summary>What to keep until the answer comes; the caller zeroes it.</summary>
    public byte[] ToSecretFile() => WireFormat.ToBytes(new RegistrationSecretFile { Exponent = _own.Exponent });

    /// <summary>What to send.</summary>
    /// <param name="group">The index of the group.</param>
    /// <param name="pcrs">The hardware PCRs that the answer is to vouch for.</param>
    public VtpmGroupRegisterRequest Request(uint group, TpmPcrSelection pcrs) =>
        new() { Group = group, Dhkx1 = _own.Public, Signature = _signature, PcrSelection = pcrs };

    /// <summary>Judges the answer that came as a file, and takes the keys out of it.</summary>
    /// <param name="answer">The file of the manager's side.</param>
    /// <param name="aikModulus">The group's identity key, which the authority has reason to trust.</param>
    /// <param name="approves">Whether the authority approves a platform.</param>
    /// <exception cref="ApprovalException">It is no answer to this registration, or from a platform that is not approved.</exception>
    public GroupRecoveryKeys Complete(ReadOnlySpan<byte> answer, ReadOnlySpan<byte> aikModulus, Func<VtpmPlatform, bool> approves)
    {
        ArgumentNullException.ThrowIfNull(approves);
        RegistrationAnswerFile given = RecoveryFiles.Read<RegistrationAnswerFile>(answer, AnswerForm);
        if (!approves(given.Platform)) throw new ApprovalException($"the machine is on the platform {PlatformText.Argument(given.Platform)}, which is none of those given as approved");
        try
        {
            return Complete(given.Response, given.GroupUuid, aikModulus, given.Platform.Composite);
        }
        catch (ManagerException e)
        {
            throw new ApprovalException(e.Message, e);
        }
    }

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
