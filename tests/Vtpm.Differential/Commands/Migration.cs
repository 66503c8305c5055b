using Vtpm.Differential.Steps;
using Vtpm.Wire;

namespace Vtpm.Differential.Commands;

/// <summary>Migration (Part 3 §11), and auditing (§8).</summary>
public static class Migration
{
    /// <summary>TPM_AuthorizeMigrationKey for the public half of a key made outside.</summary>
    public static CommandStep Authorize(TpmMigrateScheme scheme, OutsideKey key, int ticket, SessionUse auth) =>
        new(TpmOrdinal.AuthorizeMigrationKey, $"{scheme} to pair {key.Pair} → blob {ticket}")
        {
            Parameters = request =>
            {
                request.UInt16((int)scheme);
                request.Structure(key.PublicPart().ToPubKey());
            },
            Sessions = [auth],
            Answer = answer =>
            {
                int start = answer.Position;
                Keys.PubKey(answer, isOwn: false);
                answer.UInt16("outData.migrationScheme");
                answer.Own("outData.digest", 20);
                answer.Memory.Blobs[ticket] = answer.Since(start);
            },
        };

    /// <summary>TPM_CreateMigrationBlob of a key made outside; what comes is the whole key again, for the new parent.</summary>
    public static CommandStep CreateBlob(
        int parent, OutsideKey outside, TpmMigrateScheme type, int ticket, int random, int blob, SessionUse? parentAuth, SessionUse migrationAuth) =>
        new(TpmOrdinal.CreateMigrationBlob, $"{type} {outside} under {Keys.Name(parent)} by blob {ticket} → blob {blob}")
        {
            Handles = request => request.Key(parent),
            Parameters = request =>
            {
                request.UInt16((int)type);
                request.Blob(ticket);
                request.OwnSized32(outside.WrapFor(request, parent).AsSpan()[^256..]);
            },
            Sessions = parentAuth is null ? [migrationAuth] : [parentAuth, migrationAuth],
            Answer = answer =>
            {
                answer.Memory.Blobs[random] = answer.OwnSized32("random");
                byte[] encData = answer.OwnSized32("outData");
                answer.Memory.Blobs[blob] = [.. WireFormat.ToBytes(outside.PublicPart())[..^4], 0, 0, 1, 0, .. encData];
            },
        };

    public static CommandStep ConvertBlob(int parent, int blob, int random, int newBlob, SessionUse? auth) =>
        new(TpmOrdinal.ConvertMigrationBlob, $"blob {blob} under {Keys.Name(parent)} → blob {newBlob}")
        {
            Handles = request => request.Key(parent),
            Parameters = request =>
            {
                request.OwnSized32(EncData(request, blob));
                request.OwnSized32(request.Memory.Blob(random));
            },
            Sessions = auth is null ? [] : [auth],
            Answer = answer => Rewrapped(answer, blob, newBlob),
        };

    public static CommandStep MigrateKey(int maKey, OutsideKey destination, int blob, int newBlob, SessionUse? auth) =>
        new(TpmOrdinal.MigrateKey, $"blob {blob} by {Keys.Name(maKey)} to pair {destination.Pair} → blob {newBlob}")
        {
            Handles = request => request.Key(maKey),
            Parameters = request =>
            {
                request.Structure(destination.PublicPart().ToPubKey());
                request.OwnSized32(EncData(request, blob));
            },
            Sessions = auth is null ? [] : [auth],
            Answer = answer => Rewrapped(answer, blob, newBlob),
        };

    public static CommandStep ApproveAuthority(byte[] digest, int approval, SessionUse auth) => new(TpmOrdinal.CmkApproveMA, $"→ blob {approval}")
    {
        Parameters = request => request.Literal(digest),
        Sessions = [auth],
        Answer = answer => answer.Memory.Blobs[approval] = answer.Own("outData", 20),
    };

    public static CommandStep SetRestrictions(uint restriction, SessionUse auth) => new(TpmOrdinal.CmkSetRestrictions, $"{restriction:x8}")
    {
        Parameters = request => request.UInt32(restriction),
        Sessions = [auth],
    };

    public static CommandStep CreateCertifiedKey(OutsideKey info, int parent, int approval, byte[] digest, int blob, SessionUse auth) =>
        new(TpmOrdinal.CmkCreateKey, $"{info} under {Keys.Name(parent)} → blob {blob}")
        {
            Handles = request => request.Key(parent),
            Parameters = request =>
            {
                request.EncAuth(info.UsageAuth);
                request.Structure(info.PublicPart() with { PubKey = default });
                request.Own(request.Memory.Blob(approval) is { Length: 20 } ticket ? ticket : new byte[20]);
                request.Literal(digest);
            },
            Sessions = [auth],
            Answer = answer => Keys.Key(answer, blob),
        };

    public static CommandStep SetAuditStatus(TpmOrdinal ordinal, bool isAudited, SessionUse auth) =>
        new(TpmOrdinal.SetOrdinalAuditStatus, $"{ordinal} {isAudited}")
        {
            Parameters = request =>
            {
                request.UInt32((uint)ordinal);
                request.UInt8(isAudited ? 1 : 0);
            },
            Sessions = [auth],
        };

    /// <summary>TPM_GetAuditDigest: what is audited is each side's own; whether it changes is not.</summary>
    public static CommandStep GetAuditDigest(uint start) => new(TpmOrdinal.GetAuditDigest, $"from {start}")
    {
        Parameters = request => request.UInt32(start),
        Answer = answer =>
        {
            answer.UInt16("counterValue.tag");
            answer.Vendor("counterValue.label", 4);
            answer.UInt32("counterValue.counter");
            answer.Recurring("auditDigest", 20);
            answer.UInt8("more");
            answer.Sized32("ordList");
        },
    };

    private static byte[] EncData(RequestWriter request, int blob) => request.Memory.Blob(blob) is { Length: >= 256 } bytes ? bytes[^256..] : [];

    private static void Rewrapped(ResponseReader answer, int blob, int newBlob)
    {
        byte[] old = answer.Memory.Blob(blob), encData = answer.OwnSized32("outData");
        answer.Memory.Blobs[newBlob] = [.. old.AsSpan(0, Math.Max(0, old.Length - encData.Length)), .. encData];
    }
}
