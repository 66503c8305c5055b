namespace Vtpm.Storage;

/// <content>Opening without the hardware TPM that the image is sealed by.</content>
public sealed partial class ManagerImage
{
    /// <summary>
    /// Opens what the store holds by keys that somebody has kept, where no seal opens it. Nothing is written. The image knows no counter and no NV
    /// area, and belongs to the present hardware TPM: the next save seals it anew, for the platforms that group 0 has. Until the present one is among
    /// them (<see cref="ManagerGroup.SetConfiguration"/>), group 0 is <see cref="ManagerGroup.IsRecovered"/> and the image opens by these keys alone.
    /// </summary>
    /// <param name="store">What holds the image.</param>
    /// <param name="sealer">Opens other groups, if it can, and seals from now on.</param>
    /// <param name="key">The keys, which stay the caller's.</param>
    public static ManagerOpen Recover(IBlockStore store, IManagerSealer sealer, ManagerRecoveryKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        using var reader = new ManagerImageReader(store, sealer, masks: null, key);
        return reader.Open();
    }

    /// <summary>What opens the image, as it is now, by <see cref="Recover"/>; the caller's to dispose of.</summary>
    public ManagerRecoveryKey ToRecoveryKey() => ManagerRecoveryKey.Of(Keys, _groups[0].Uuid, _groups[0].Keys!);
}
