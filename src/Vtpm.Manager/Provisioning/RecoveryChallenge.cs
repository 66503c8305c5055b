using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// The authority's side of a recovery, from its first file to its last (docs/manager-protocol.md §5). The machine has to be the one of a certain
/// endorsement key, which the authority knows from when the machine was set up, on a platform that it approves.
/// </summary>
public sealed class RecoveryChallenge : IDisposable
{
    private const string AnswerForm = "the answer of 'vtpm manage group-recover'";
    private const int ProofSize = 16;

    private readonly RecoverySecretFile _secret;

    private RecoveryChallenge(in RecoverySecretFile secret) => _secret = secret;

    /// <summary>A challenge to a machine.</summary>
    /// <param name="endorsementKey">The modulus of its endorsement key, 256 bytes.</param>
    /// <param name="identity">The identity key that it has made, and that is to vouch for it.</param>
    /// <param name="request">The file for its manager.</param>
    public static RecoveryChallenge Create(ReadOnlySpan<byte> endorsementKey, in IdentityFile identity, out byte[] request)
    {
        var proof =
            new TpmSymmetricKey { AlgId = TpmAlgorithmId.Aes128, EncScheme = TpmEncScheme.SymCtr, Data = RandomNumberGenerator.GetBytes(ProofSize) };
        byte[] contents = WireFormat.ToBytes(new TpmAsymCAContents { SessionKey = proof, IdDigest = WireFormat.Digest(identity.Key.ToPubKey()) });
        var key = new TpmPubKey { AlgorithmParms = TpmKeys.EndorsementKey };
        key.PubKey.Key = endorsementKey.ToArray();
        var nonce = new TpmNonce(RandomNumberGenerator.GetBytes(TpmNonce.Size));
        request = WireFormat.ToBytes(new RecoveryRequestFile { Nonce = nonce, Challenge = RsaOaep.Encrypt(key, contents) });
        CryptographicOperations.ZeroMemory(contents);
        return new RecoveryChallenge(new RecoverySecretFile { Nonce = nonce, AikModulus = identity.Key.PubKey.Key, Proof = proof });
    }

    /// <summary>Reads what <see cref="ToSecretFile"/> has written.</summary>
    /// <exception cref="ApprovalException">It is another file.</exception>
    public static RecoveryChallenge FromSecretFile(ReadOnlySpan<byte> file) =>
        new(RecoveryFiles.Read<RecoverySecretFile>(file, "the secret file of 'vtpm approve recover-start'"));

    /// <summary>What to keep until the answer comes; the caller zeroes it.</summary>
    public byte[] ToSecretFile() => WireFormat.ToBytes(_secret);

    /// <summary>Judges the answer, and gives the group's keys to the manager that has given it, to no one else.</summary>
    /// <param name="answer">The manager's file.</param>
    /// <param name="keys">What registration has left.</param>
    /// <param name="approves">Whether the authority approves a platform.</param>
    /// <returns>The file for the manager.</returns>
    /// <exception cref="ApprovalException">It is no answer to this challenge, or from another machine, platform or group.</exception>
    public byte[] Reply(ReadOnlySpan<byte> answer, GroupRecoveryKeys keys, Func<VtpmPlatform, bool> approves)
    {
        ArgumentNullException.ThrowIfNull(keys);
        ArgumentNullException.ThrowIfNull(approves);
        RecoveryAnswerFile given = RecoveryFiles.Read<RecoveryAnswerFile>(answer, AnswerForm);
        if (given.GroupUuid != keys.GroupUuid)
            throw new ApprovalException($"the answer is of group {given.GroupUuid}, and the keys are those of {keys.GroupUuid}");
        if (!CryptographicOperations.FixedTimeEquals(given.Proof.Data.Span, _secret.Proof.Data.Span))
            throw new ApprovalException(
                "the machine has not met the challenge: it is not the one of this endorsement key and identity, or answered another challenge");
        if (!approves(given.Platform))
            throw new ApprovalException(
                $"the machine is on the platform {PlatformText.Argument(given.Platform)}, which is none of those given as approved");
        var request = new VtpmGroupRecover1Request { Nonce = _secret.Nonce, PcrSelection = given.Platform.PcrSelection };
        try
        {
            VtpmGroupRecover2Request reply = GroupRecovery.Answer(keys, request, given.Response, _secret.AikModulus.Span, given.Platform.Composite);
            return WireFormat.ToBytes(new RecoveryReplyFile { GroupUuid = keys.GroupUuid, Dhkx2 = reply.Dhkx2, RecoverBlob = reply.RecoverBlob });
        }
        catch (ManagerException e)
        {
            throw new ApprovalException(e.Message, e);
        }
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(MemoryMarshal.AsMemory(_secret.Proof.Data).Span);
}
