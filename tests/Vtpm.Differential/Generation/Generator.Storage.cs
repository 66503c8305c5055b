using Vtpm.Differential.Commands;
using Vtpm.Differential.Sides;
using Vtpm.Differential.Steps;
using Vtpm.Wire;

namespace Vtpm.Differential.Generation;

/// <content>Sealed data, and changes of secrets.</content>
public sealed partial class Generator
{
    private IEnumerable<(int, Action)> StorageScenes() => [(10, SealData), (8, UnsealData), (3, ChangeSecret)];

    /// <summary>The SRK or a storage key that may seal, mostly.</summary>
    private int SealingKey()
    {
        WorldKey[] fit = [.. _world.Keys.Where(key => key.Info.Usage == TpmKeyUsage.Storage)];
        return Chance(60) || fit.Length == 0 ? (Chance(90) ? SideMemory.Srk : AnyKey()) : Pick(fit).Number;
    }

    private void SealData()
    {
        int key = SealingKey(), blob = _world.NewNumber();
        byte[] pcrInfo = Chance(50) ? PcrInfo(isLong: Chance(60)) : [];
        byte[] data = Bytes(Chance(95) ? _random.Next(64) : _random.Next(300));
        Emit(
            Storage.Seal(key, data, Secrets.Data, pcrInfo, blob, OsapKey(key, SecretOf(key))),
            () => _world.Sealed.Add(new WorldBlob(blob, key, Secrets.Data)));
    }

    private void UnsealData()
    {
        if (_world.Sealed.Count == 0) return;
        WorldBlob blob = Pick(_world.Sealed);
        int parent = Chance(95) ? blob.Parent : SealingKey();
        (SessionUse keyAuth, SessionUse dataAuth) = TwoOiaps(SecretOf(parent), blob.Secret);
        Emit(Storage.Unseal(parent, blob.Number, keyAuth, dataAuth));
    }

    private void ChangeSecret()
    {
        bool isKey = _world.WrappedKeys.Count > 0 && Chance(50);
        List<WorldBlob> blobs = isKey ? _world.WrappedKeys : _world.Sealed;
        if (blobs.Count == 0) return;
        WorldBlob blob = Pick(blobs);
        int newBlob = _world.NewNumber();
        byte[] newSecret = Pick(Secrets.Data, Secrets.Other);
        SessionUse entity = Oiap(blob.Secret), parent = OsapKey(blob.Parent, SecretOf(blob.Parent));
        TpmEntityType type = isKey ^ Chance(5) ? TpmEntityType.Key : TpmEntityType.Data;
        Emit(
            Storage.ChangeAuth(blob.Parent, blob.Number, type, newSecret, newBlob, parent, entity),
            () => blobs.Add(blob with { Number = newBlob, Secret = newSecret, Key = blob.Key is null ? null : blob.Key with { UsageAuth = newSecret } }));
    }
}
