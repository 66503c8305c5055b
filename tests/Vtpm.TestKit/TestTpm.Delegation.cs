using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Engine;
using Vtpm.Engine.Commands.AuthorizationSessions;
using Vtpm.Engine.Commands.Delegation;
using Vtpm.Wire;

namespace Vtpm.TestKit;

/// <content>Delegations: by command, and as tables and blobs that are made by hand from the TPM's own secrets.</content>
public sealed partial class TestTpm
{
    /// <summary>TPM_TAG_DELEGATE_SENSITIVE.</summary>
    private const byte SensitiveTag = 0x26;

    /// <summary>The secret of the delegations made here.</summary>
    public static byte[] DelegateAuth { get; } = SHA1.HashData("delegate"u8);

    /// <summary>TPM_Delegate_Manage.</summary>
    public TpmResult Manage(TpmFamilyOperation opCode, uint familyId, byte[] opData, params TestAuth[] auths) =>
        ResultOf(new DelegateManage(), new DelegateManageRequest { FamilyId = familyId, OpCode = opCode, OpData = opData }, auths);

    /// <summary>TPM_Delegate_Manage: a new family, which is not enabled yet.</summary>
    public uint CreateFamily(params TestAuth[] auths)
    {
        var request = new DelegateManageRequest { OpCode = TpmFamilyOperation.Create, OpData = new byte[] { (byte)'F' } };
        return BinaryPrimitives.ReadUInt32BigEndian(Send(new DelegateManage(), request, auths).RetData.Span);
    }

    /// <summary>The family of an id as it is in the table.</summary>
    public TpmFamilyTableEntry Family(uint familyId) => State.Permanent.Delegation.TryFindFamily(familyId, out TpmFamilyTableEntry family)
        ? family
        : throw new ArgumentException($"there is no family {familyId}", nameof(familyId));

    /// <summary>TPM_Delegate_CreateOwnerDelegation, of <see cref="DelegateAuth"/>, by the owner.</summary>
    public byte[] CreateOwnerDelegation(in TpmDelegatePublic publicInfo, bool increment = false)
    {
        TestAuth osap = Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, OwnerAuth);
        var request = new DelegateCreateOwnerDelegationRequest { Increment = increment, PublicInfo = publicInfo, DelAuth = EncryptAuth(osap, DelegateAuth) };
        return Send(new DelegateCreateOwnerDelegation(), request, osap).Blob.ToArray();
    }

    /// <summary>TPM_Delegate_CreateKeyDelegation, of <see cref="DelegateAuth"/>, by who knows the key's secret, which is <see cref="KeyAuth"/>.</summary>
    public byte[] CreateKeyDelegation(uint keyHandle, in TpmDelegatePublic publicInfo)
    {
        TestAuth osap = Osap(TpmEntityType.KeyHandle, keyHandle, KeyAuth);
        var request = new DelegateCreateKeyDelegationRequest { KeyHandle = keyHandle, PublicInfo = publicInfo, DelAuth = EncryptAuth(osap, DelegateAuth) };
        return Send(new DelegateCreateKeyDelegation(), request, osap).Blob.ToArray();
    }

    /// <summary>A TPM_DELEGATE_OWNER_BLOB as anybody makes one for a TPM without owner: in the clear, and without integrity.</summary>
    public static TpmDelegateOwnerBlob PlainBlob(in TpmDelegatePublic pub) => new() { Pub = pub, SensitiveArea = (byte[])[0x00, SensitiveTag, .. DelegateAuth] };

    /// <summary>Puts a family into the table.</summary>
    public void AddFamily(uint familyId, uint verificationCount = 1, TpmFamilyFlags flags = TpmFamilyFlags.Enabled)
    {
        var family = new TpmFamilyTableEntry { FamilyId = familyId, VerificationCount = verificationCount, Flags = flags };
        ChangeDelegation(tables => tables.With(family));
        PermanentState permanent = State.Permanent;
        uint lastFamilyId = Math.Max(permanent.Data.LastFamilyId, familyId);
        State = State with { Permanent = permanent with { Data = permanent.Data with { LastFamilyId = lastFamilyId } } };
    }

    public void AddRow(uint index, in TpmDelegatePublic pub)
    {
        var row = new DelegateRow(pub, new Secret(DelegateAuth));
        ChangeDelegation(tables => tables.WithRow(index, row));
    }

    public void ChangeDelegation(Func<DelegationTables, DelegationTables> change) =>
        State = State with { Permanent = State.Permanent with { Delegation = change(State.Permanent.Delegation) } };

    public static TpmDelegatePublic Delegation(TpmDelegateOwnerPermission permissions, uint familyId = 1, TpmPcrInfoShort pcrInfo = default) =>
        Delegation(TpmDelegateType.OwnerBits, (uint)permissions, familyId, pcrInfo);

    public static TpmDelegatePublic Delegation(TpmDelegateKeyPermission permissions, uint familyId = 1, TpmPcrInfoShort pcrInfo = default) =>
        Delegation(TpmDelegateType.KeyBits, (uint)permissions, familyId, pcrInfo);

    /// <summary>A TPM_DELEGATE_OWNER_BLOB of <see cref="DelegateAuth"/>; <paramref name="tag"/> is that of its TPM_DELEGATE_SENSITIVE.</summary>
    public TpmDelegateOwnerBlob OwnerBlob(in TpmDelegatePublic pub, byte tag = SensitiveTag)
    {
        var blob = new TpmDelegateOwnerBlob { Pub = pub, AdditionalArea = NewIV(), };
        blob.SensitiveArea = EncryptSensitive(blob.AdditionalArea.Span, tag);
        blob.IntegrityDigest = Proof(WireFormat.ToBytes(blob));
        return blob;
    }

    /// <summary>A TPM_DELEGATE_KEY_BLOB of <see cref="DelegateAuth"/>, likewise.</summary>
    public TpmDelegateKeyBlob KeyBlob(in TpmDelegatePublic pub, uint keyHandle, byte tag = SensitiveTag)
    {
        TpmStorePubKey pubKey = State.Keys.Find(keyHandle)!.Key.PubKey;
        var blob = new TpmDelegateKeyBlob { Pub = pub, AdditionalArea = NewIV(), PubKeyDigest = new TpmDigest(SHA1.HashData(WireFormat.ToBytes(pubKey))) };
        blob.SensitiveArea = EncryptSensitive(blob.AdditionalArea.Span, tag);
        blob.IntegrityDigest = Proof(WireFormat.ToBytes(blob));
        return blob;
    }

    /// <summary>Opens a DSAP session for a delegation whose secret is <see cref="DelegateAuth"/>.</summary>
    public TestAuth Dsap(TpmEntityType type, byte[] entityValue, uint keyHandle = 0, bool goesOn = false)
    {
        DsapRequest request = DsapRequest(type, entityValue, keyHandle);
        DsapResponse response = Send(new Dsap(), request);
        byte[] key = HMACSHA1.HashData(DelegateAuth, (byte[])[.. response.NonceEvenDsap.ReadOnlySpan, .. request.NonceOddDsap.ReadOnlySpan]);
        return new TestAuth { Handle = response.AuthHandle, NonceEven = response.NonceEven, NonceOdd = NewNonce(), Key = key, Continue = goesOn };
    }

    public TpmResult ResultOfDsap(TpmEntityType type, byte[] entityValue, uint keyHandle = 0) =>
        ResultOf(new Dsap(), DsapRequest(type, entityValue, keyHandle));

    private DsapRequest DsapRequest(TpmEntityType type, byte[] entityValue, uint keyHandle) =>
        new() { EntityType = type, KeyHandle = keyHandle, EntityValue = entityValue, NonceOddDsap = NewNonce() };

    private static TpmDelegatePublic Delegation(TpmDelegateType type, uint permissions, uint familyId, TpmPcrInfoShort pcrInfo) => new()
    {
        PcrInfo = pcrInfo,
        Permissions = new TpmDelegations { DelegateType = type, Per1 = permissions },
        FamilyId = familyId,
        VerificationCount = 1,
    };

    private byte[] NewIV() => NewNonce().ReadOnlySpan[..16].ToArray();

    private TpmDigest Proof(byte[] bytes) => new(HMACSHA1.HashData(State.Permanent.Data.TpmProof.Span, bytes));

    /// <summary>AES in counter mode over TPM_DELEGATE_SENSITIVE, which takes two blocks.</summary>
    private byte[] EncryptSensitive(ReadOnlySpan<byte> counter, byte tag)
    {
        byte[] sensitive = [0x00, tag, .. DelegateAuth];
        byte[] second = counter.ToArray();
        BinaryPrimitives.WriteUInt32BigEndian(second.AsSpan(12), BinaryPrimitives.ReadUInt32BigEndian(second.AsSpan(12)) + 1);
        using var aes = Aes.Create();
        aes.SetKey(State.Permanent.Data.DelegateKey.Span);
        byte[] stream = aes.EncryptEcb((byte[])[.. counter, .. second], PaddingMode.None);
        return [.. sensitive.Select((value, i) => (byte)(value ^ stream[i]))];
    }
}
