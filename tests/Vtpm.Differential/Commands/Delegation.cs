using Vtpm.Differential.Steps;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Differential.Commands;

/// <summary>Delegation (Part 3 §19), and the sessions that use it (§18.3).</summary>
public static class Delegation
{
    /// <summary>Bytes of a TPM_FAMILY_TABLE_ENTRY.</summary>
    private const int FamilySize = 15;

    /// <summary>TPM_Delegate_Manage that makes a family: its number is kept as a blob of four bytes.</summary>
    public static CommandStep CreateFamily(byte label, int family, SessionUse? auth) => Manage(0, null, TpmFamilyOperation.Create, [label], family, auth);

    public static CommandStep Manage(int family, TpmFamilyOperation operation, byte[] data, SessionUse? auth) => Manage(family, family, operation, data, null, auth);

    public static CommandStep CreateOwnerDelegation(bool increment, TpmDelegatePublic pub, int family, byte[] secret, int blob, SessionUse auth) =>
        new(TpmOrdinal.DelegateCreateOwnerDelegation, $"{pub.Permissions.Per1:x8} of family {family}{(increment ? ", incrementing" : "")} → blob {blob}")
        {
            Parameters = request =>
            {
                request.UInt8(increment ? 1 : 0);
                Public(request, pub, family);
                request.EncAuth(secret);
            },
            Sessions = [auth],
            Answer = answer => Blob(answer, blob, isKeys: false),
        };

    public static CommandStep CreateKeyDelegation(int key, TpmDelegatePublic pub, int family, byte[] secret, int blob, SessionUse auth) =>
        new(TpmOrdinal.DelegateCreateKeyDelegation, $"{pub.Permissions.Per1:x8} of family {family} for {Keys.Name(key)} → blob {blob}")
        {
            Handles = request => request.Key(key),
            Parameters = request =>
            {
                Public(request, pub, family);
                request.EncAuth(secret);
            },
            Sessions = [auth],
            Answer = answer => Blob(answer, blob, isKeys: true),
        };

    public static CommandStep LoadOwnerDelegation(uint row, int blob, SessionUse? auth) => new(TpmOrdinal.DelegateLoadOwnerDelegation, $"blob {blob} → row {row}")
    {
        Parameters = request =>
        {
            request.UInt32(row);
            request.OwnSized32(request.Memory.Blob(blob));
        },
        Sessions = auth is null ? [] : [auth],
    };

    public static CommandStep ReadTable() => new(TpmOrdinal.DelegateReadTable)
    {
        Answer = answer =>
        {
            // Entries have no order.
            byte[] families = answer.VendorSized32("familyTable");
            answer.Add("familyTable", string.Join(' ', families.Chunk(FamilySize).Select(Convert.ToHexStringLower).Order(StringComparer.Ordinal)));
            answer.Sized32("delegateTable");
        },
    };

    /// <summary>TPM_Delegate_UpdateVerification of a blob, or of a row of the table.</summary>
    public static CommandStep UpdateVerification(int? blob, uint row, int newBlob, SessionUse auth) =>
        new(TpmOrdinal.DelegateUpdateVerification, blob is null ? $"row {row}" : $"blob {blob} → blob {newBlob}")
        {
            Parameters = request => request.OwnSized32(blob is null ? TestTpm.BigEndian(row) : request.Memory.Blob(blob.Value)),
            Sessions = [auth],
            Answer = answer =>
            {
                byte[] updated = answer.VendorSized32("outputData");
                answer.Add("outputData is there", $"{updated.Length > 0}");
                if (updated.Length > 0) answer.Memory.Blobs[newBlob] = updated;
            },
        };

    public static CommandStep Verify(int blob) => new(TpmOrdinal.DelegateVerifyDelegation, $"blob {blob}")
    {
        Parameters = request => request.OwnSized32(request.Memory.Blob(blob)),
    };

    /// <summary>TPM_DSAP for a blob of the owner's or a key's, or for a row.</summary>
    public static CommandStep Dsap(int session, TpmEntityType type, int? blob, uint row, int key, byte[] secret)
    {
        byte[] nonceOdd = System.Security.Cryptography.SHA1.HashData(BitConverter.GetBytes(session));
        return new CommandStep(TpmOrdinal.Dsap, $"{type} {(blob is null ? $"row {row}" : $"blob {blob}")} → session {session}")
        {
            Parameters = request =>
            {
                request.UInt16((int)type);
                request.Key(key);
                request.Literal(nonceOdd);
                request.OwnSized32(blob is null ? TestTpm.BigEndian(row) : request.Memory.Blob(blob.Value));
            },
            OutHandles = 1,
            Answer = answer => Sessions.WithSharedSecret(answer, session, nonceOdd, secret),
        };
    }

    public static CommandStep SetOwnerPointer(TpmEntityType type, uint value) => new(TpmOrdinal.SetOwnerPointer, $"{type} {value}")
    {
        Parameters = request =>
        {
            request.UInt16((int)type);
            request.UInt32(value);
        },
    };

    private static CommandStep Manage(int family, int? known, TpmFamilyOperation operation, byte[] data, int? created, SessionUse? auth) =>
        new(TpmOrdinal.DelegateManage, created is null ? $"{operation} family {family}" : $"→ family {created}")
        {
            Parameters = request =>
            {
                request.Own(known is null ? new byte[4] : FamilyId(request, family));
                request.UInt32((uint)operation);
                request.Sized32(data);
            },
            Sessions = auth is null ? [] : [auth],
            Answer = answer =>
            {
                byte[] result = answer.Sized32("retData");
                if (created is not null) answer.Memory.Blobs[created.Value] = result;
            },
        };

    private static byte[] FamilyId(RequestWriter request, int family) =>
        request.Memory.Blob(family) is { Length: 4 } id ? id : TestTpm.BigEndian(0x00BAD000 + (uint)family);

    /// <summary>TPM_DELEGATE_PUBLIC, whose family is a symbolic one.</summary>
    private static void Public(RequestWriter request, TpmDelegatePublic pub, int family)
    {
        byte[] bytes = WireFormat.ToBytes(pub);
        request.Literal(bytes.AsSpan(0, bytes.Length - 8));
        request.Own(FamilyId(request, family));
        request.Literal(bytes.AsSpan(bytes.Length - 4));
    }

    private static void Blob(ResponseReader answer, int blob, bool isKeys)
    {
        answer.Vendor("blobSize", 4);
        int start = answer.Position;
        answer.UInt16("blob.tag");
        answer.UInt16("blob.pub.tag");
        answer.UInt8("blob.pub.rowLabel");
        int select = answer.UInt16("blob.pub.pcrInfo.pcrSelection.sizeOfSelect");
        answer.Exact("blob.pub.pcrInfo", select + 1 + 20);
        answer.Exact("blob.pub.permissions", 2 + 4 + 4 + 4);
        answer.UInt32("blob.pub.familyID");
        answer.UInt32("blob.pub.verificationCount");
        answer.Own("blob.integrityDigest", 20);
        if (isKeys) answer.Own("blob.pubKeyDigest", 20);
        answer.VendorSized32("blob.additionalArea");
        answer.VendorSized32("blob.sensitiveArea");
        answer.Memory.Blobs[blob] = answer.Since(start);
    }
}
