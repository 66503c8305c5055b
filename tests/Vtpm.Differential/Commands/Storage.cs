using Vtpm.Differential.Steps;
using Vtpm.Wire;

namespace Vtpm.Differential.Commands;

/// <summary>Sealed data and changed secrets (Part 3 §10, §17).</summary>
public static class Storage
{
    public static CommandStep Seal(int key, byte[] data, byte[] secret, byte[] pcrInfo, int blob, SessionUse auth) =>
        new(TpmOrdinal.Seal, $"{data.Length} bytes with {Keys.Name(key)}{(pcrInfo.Length > 0 ? " and PCRs" : "")} → blob {blob}")
        {
            Handles = request => request.Key(key),
            Parameters = request =>
            {
                request.EncAuth(secret);
                request.Sized32(pcrInfo);
                request.Sized32(data);
            },
            Sessions = [auth],
            Answer = answer => StoredData(answer, blob),
        };

    public static CommandStep Unseal(int key, int blob, SessionUse keyAuth, SessionUse dataAuth) => new(TpmOrdinal.Unseal, $"blob {blob} with {Keys.Name(key)}")
    {
        Handles = request => request.Key(key),
        Parameters = request => request.Blob(blob),
        Sessions = [keyAuth, dataAuth],
        Answer = answer => answer.Sized32("secret"),
    };

    /// <summary>TPM_ChangeAuth of sealed data or a key that <paramref name="blob"/> holds, into another blob.</summary>
    public static CommandStep ChangeAuth(int parent, int blob, TpmEntityType type, byte[] newSecret, int newBlob, SessionUse parentAuth, SessionUse entityAuth) =>
        new(TpmOrdinal.ChangeAuth, $"{type} in blob {blob} under {Keys.Name(parent)} → blob {newBlob}")
        {
            Handles = request => request.Key(parent),
            Parameters = request =>
            {
                request.UInt16((int)TpmProtocolId.Adcp);
                request.EncAuth(newSecret);
                request.UInt16((int)type);
                request.OwnSized32(EncData(request.Memory.Blob(blob)));
            },
            Sessions = [parentAuth, entityAuth],
            Answer = answer =>
            {
                byte[] old = answer.Memory.Blob(blob);
                byte[] encData = answer.OwnSized32("outData");
                answer.Memory.Blobs[newBlob] = [.. old.AsSpan(0, Math.Max(0, old.Length - encData.Length)), .. encData];
                if (answer.Memory.Moduli.TryGetValue(blob, out byte[]? modulus)) answer.Memory.Moduli[newBlob] = modulus;
            },
        };

    public static CommandStep ChangeAuthOwner(TpmEntityType type, byte[] newSecret, SessionUse auth) => new(TpmOrdinal.ChangeAuthOwner, $"{type}")
    {
        Parameters = request =>
        {
            request.UInt16((int)TpmProtocolId.Adcp);
            request.EncAuth(newSecret);
            request.UInt16((int)type);
        },
        Sessions = [auth],
    };

    /// <summary>TPM_STORED_DATA or TPM_STORED_DATA12: what is encrypted is each side's own.</summary>
    public static void StoredData(ResponseReader answer, int blob)
    {
        int start = answer.Position;
        answer.UInt32("storedData.ver");
        answer.Sized32("storedData.sealInfo");
        answer.OwnSized32("storedData.encData");
        answer.Memory.Blobs[blob] = answer.Since(start);
    }

    /// <summary>The encrypted part at the end of a TPM_KEY or TPM_STORED_DATA, for a parent of 2048 bits.</summary>
    private static byte[] EncData(byte[] blob) => blob.Length < 256 ? blob : blob[^256..];
}
