using System.Security.Cryptography;
using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Instance;

/// <summary>
/// A vTPM's encrypted disk image, with its key at the manager. A save is: the slot on disk, the barrier, the hash and key to the manager, and the
/// manager's word that it keeps them.
/// </summary>
public sealed class ImageStateStore(VtpmImage image, ManagerLink manager, Action<string> log) : IStateStore
{
    public void Save(ReadOnlySpan<byte> state)
    {
        if (image.IsPending) Resolve();
        Span<byte> hashKey = stackalloc byte[VtpmImage.HashKeySize];
        try
        {
            VtpmImageSave save = image.Save(state, hashKey);
            if (save.Write != VtpmImageWrite.Written)
                throw new StateNotSavedException($"the vTPM's state was not saved: {save.Reason}", isTransient: false);
            log("storing the new key and hash of the state with the manager");
            HandOver(hashKey);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(hashKey);
        }
    }

    private void HandOver(ReadOnlySpan<byte> hashKey)
    {
        try
        {
            manager.SaveHashKey(hashKey);
            image.Accept();
        }
        catch (Exception exception) when (exception is ManagerErrorException or TpmTransportException)
        {
            // Not rejected for certain, even where the manager refuses: the request may have been sent twice, to a manager that kept the key and died, and
            // to one that cannot save. So the save stays pending, and the next one asks the manager which slot counts before it writes over either.
            bool isTransient = exception is TpmTransportException or ManagerErrorException { Result: TpmResult.Retry or TpmResult.IOError };
            string what = exception is TpmTransportException ? $"no answer from the manager ({exception.Message})" : $"{exception.Message}; the manager's own log says why";
            string advice = isTransient ? "The command was refused; it can be sent again" : "The command was refused";
            throw new StateNotSavedException($"the vTPM's state may not have been saved: {what}. {advice}", isTransient, exception);
        }
    }

    /// <summary>After an answer that was lost: the manager knows which slot counts.</summary>
    private void Resolve()
    {
        byte[] hashKey = [];
        try
        {
            hashKey = manager.LoadHashKey();
            VtpmImageLoad load = image.Load(hashKey);
            CryptographicOperations.ZeroMemory(load.State);
            if (load.Content != VtpmImageContent.Loaded)
                throw new StateNotSavedException($"the vTPM's image does not match what the manager keeps: {load.Reason}", isTransient: false);
        }
        catch (Exception exception) when (exception is TpmTransportException or ManagerErrorException)
        {
            throw new StateNotSavedException($"the vTPM's state cannot be saved: {exception.Message}; is the manager running?", isTransient: true, exception);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(hashKey);
        }
    }
}
